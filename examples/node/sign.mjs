// HTTP Message Signatures (RFC 9421) by an Ed25519 key, with Content-Digest (RFC 9530).
import { createHash, createPrivateKey, createPublicKey, randomUUID, sign } from "node:crypto";

const sha256 = (content) => createHash("sha256").update(content);

// The headers that sign a request.
export function signed(pem, method, url, body = "") {
  const key = createPrivateKey(pem);
  const { x } = createPublicKey(key).export({ format: "jwk" });
  const keyid = sha256(`{"crv":"Ed25519","kty":"OKP","x":"${x}"}`).digest("base64url");
  const digest = `sha-256=:${sha256(body).digest("base64")}:`;
  const created = Math.floor(Date.now() / 1000);
  const parameters =
    `("@method" "@target-uri" "content-digest")` +
    `;created=${created};keyid="${keyid}";nonce="${randomUUID()}"`;
  const base = [
    `"@method": ${method}`,
    `"@target-uri": ${url}`,
    `"content-digest": ${digest}`,
    `"@signature-params": ${parameters}`,
  ].join("\n");
  return {
    "Content-Digest": digest,
    "Signature-Input": `sig=${parameters}`,
    Signature: `sig=:${sign(null, Buffer.from(base), key).toString("base64")}:`,
  };
}
