package main

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"
	"os"
	"time"
)

// show says who asks: by a signature of the key in the file KEY, or by the bearer key TOKEN.
func show(request *http.Request, body []byte) error {
	path := os.Getenv("KEY")
	if path == "" {
		request.Header.Set("Authorization", "Bearer "+os.Getenv("TOKEN"))
		return nil
	}
	key, err := read(path)
	if err != nil {
		return err
	}
	sign(request, body, key)
	return nil
}

// sign adds an HTTP Message Signature (RFC 9421), with Content-Digest (RFC 9530).
func sign(request *http.Request, body []byte, key ed25519.PrivateKey) {
	x := base64.RawURLEncoding.EncodeToString(key.Public().(ed25519.PublicKey))
	thumbprint := sha256.Sum256([]byte(`{"crv":"Ed25519","kty":"OKP","x":"` + x + `"}`))
	sum := sha256.Sum256(body)
	digest := "sha-256=:" + base64.StdEncoding.EncodeToString(sum[:]) + ":"
	parameters := fmt.Sprintf(
		`("@method" "@target-uri" "content-digest");created=%d;keyid="%s";nonce="%s"`,
		time.Now().Unix(), base64.RawURLEncoding.EncodeToString(thumbprint[:]), rand.Text(),
	)
	base := fmt.Sprintf("\"@method\": %s\n\"@target-uri\": %s\n\"content-digest\": %s\n\"@signature-params\": %s",
		request.Method, request.URL, digest, parameters)
	signature := ed25519.Sign(key, []byte(base))
	request.Header.Set("Content-Digest", digest)
	request.Header.Set("Signature-Input", "sig="+parameters)
	request.Header.Set("Signature", "sig=:"+base64.StdEncoding.EncodeToString(signature)+":")
}

func read(path string) (ed25519.PrivateKey, error) {
	content, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	block, _ := pem.Decode(content)
	if block == nil {
		return nil, errors.New("no PEM in KEY")
	}
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, err
	}
	private, fits := key.(ed25519.PrivateKey)
	if !fits {
		return nil, errors.New("KEY is no Ed25519 key")
	}
	return private, nil
}
