// Post one Kobo payload as a transfer and fetch what came of it. Standard library only.
package main

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"time"
)

var terms = url.Values{
	"agreement": {"agr:registration-2026"},
	"purpose":   {"hum.assist.registration"},
	"format":    {"kobo"},
	"into":      {"fhir.r4"},
}

var client = http.Client{Timeout: time.Minute}

type answer struct {
	status int
	header http.Header
	body   []byte
}

// ask asks a busy gateway again, and one from which no answer came: that is why there is an
// idempotency key.
func ask(method, path string, body []byte, header map[string]string) (answer, error) {
	for attempt := 1; ; attempt++ {
		got, err := once(method, path, body, header)
		busy := got.status == http.StatusTooManyRequests || got.status == http.StatusServiceUnavailable
		if err == nil && !busy || attempt == 5 {
			return got, err
		}
		wait, bad := strconv.Atoi(got.header.Get("Retry-After"))
		if bad != nil {
			wait = attempt
		}
		time.Sleep(time.Duration(wait) * time.Second)
	}
}

func once(method, path string, body []byte, header map[string]string) (answer, error) {
	request, err := http.NewRequest(method, os.Getenv("ADDRESS")+path, bytes.NewReader(body))
	if err != nil {
		return answer{}, err
	}
	if err := show(request, body); err != nil {
		return answer{}, err
	}
	for name, value := range header {
		request.Header.Set(name, value)
	}
	response, err := client.Do(request)
	if err != nil {
		return answer{}, err
	}
	defer response.Body.Close()
	said, err := io.ReadAll(response.Body)
	return answer{response.StatusCode, response.Header, said}, err
}

type rule struct{ Rule string }

// said is what a receipt and a problem document have that is shown here.
type said struct {
	Rule, At string
	Details  struct {
		Records             struct{ Released int }
		Objections, Pending []rule
	}
}

func run(payload string) error {
	content, err := os.ReadFile(payload)
	if err != nil {
		return err
	}
	made, err := ask("POST", "/v1/transfers?"+terms.Encode(), content, map[string]string{
		"Content-Type":    "application/json",
		"Idempotency-Key": rand.Text(),
	})
	if err != nil {
		return err
	}
	var receipt said
	if err := json.Unmarshal(made.body, &receipt); err != nil {
		return err
	}
	if made.status > http.StatusCreated {
		why := append(receipt.Details.Objections, receipt.Details.Pending...)
		return fmt.Errorf("%d: %s %v", made.status, receipt.Rule, why)
	}
	where, err := url.Parse(made.header.Get("Location"))
	if err != nil {
		return err
	}
	fetched, err := ask("GET", where.Path+"/content", nil, nil)
	if err != nil {
		return err
	}
	if fetched.status != http.StatusOK {
		return fmt.Errorf("%d: %s", fetched.status, fetched.body)
	}
	var bundle struct{ Entry []json.RawMessage }
	if err := json.Unmarshal(fetched.body, &bundle); err != nil {
		return err
	}
	fmt.Printf("released %d records\n", receipt.Details.Records.Released)
	fmt.Printf("fetched %s: %d resources\n", fetched.header.Get("Content-Type"), len(bundle.Entry))
	return nil
}

func main() {
	if err := run(os.Args[1]); err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
}
