// A job for OpenFn, adaptor @openfn/language-http 7. The credential's `baseUrl` is the gateway's
// address, its `access_token` the bearer key. `state.data` is what Kobo sent.

post("/v1/transfers", (state) => state.data, {
  query: {
    agreement: "agr:registration-2026",
    purpose: "hum.assist.registration",
    format: "kobo",
    into: "fhir.r4",
  },
  headers: (state) => ({ "Idempotency-Key": state.runId }),
  errors: { 403: false },
});

fn((state) => {
  // 403 and 202 are answers: refused, or held until a person decided. They have receipts, too.
  if (state.response.statusCode > 201) {
    const { objections, pending } = state.data.details;
    throw new Error([...objections, ...pending].map((one) => one.rule).join(", "));
  }
  return { ...state, receipt: state.data };
});

get((state) => `${state.response.headers.location}/content`, { parseAs: "json" });
