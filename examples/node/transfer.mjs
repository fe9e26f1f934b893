// Post one Kobo payload as a transfer and fetch what came of it. No package.
import { randomUUID } from "node:crypto";
import { readFile } from "node:fs/promises";
import { setTimeout as pause } from "node:timers/promises";
import { signed } from "./sign.mjs";

const { ADDRESS, TOKEN, KEY } = process.env;
const pem = KEY && (await readFile(KEY));
const TERMS = {
  agreement: "agr:registration-2026",
  purpose: "hum.assist.registration",
  format: "kobo",
  into: "fhir.r4",
};

// A busy gateway is asked again, and so is one from which no answer came: that is why there is
// an idempotency key.
async function ask(path, { method = "GET", ...options } = {}) {
  const url = ADDRESS + path;
  for (let attempt = 1; ; attempt += 1) {
    // Inside the loop: a signature counts once.
    const shown = pem ? signed(pem, method, url, options.body) : { Authorization: `Bearer ${TOKEN}` };
    const headers = { ...shown, ...options.headers };
    try {
      const signal = AbortSignal.timeout(60_000);
      const answer = await fetch(url, { ...options, method, headers, signal });
      if (![429, 503].includes(answer.status) || attempt === 5) return answer;
      await answer.arrayBuffer();
      await pause(1000 * Number(answer.headers.get("retry-after") ?? attempt));
    } catch (error) {
      if (attempt === 5) throw error;
      await pause(1000 * attempt);
    }
  }
}

async function reasons(answer) {
  const said = await answer.json();
  if (said.rule) return `${said.rule} at ${said.at ?? "-"}`;
  return [...said.details.objections, ...said.details.pending].map((one) => one.rule).join(", ");
}

const made = await ask(`/v1/transfers?${new URLSearchParams(TERMS)}`, {
  method: "POST",
  headers: { "Content-Type": "application/json", "Idempotency-Key": randomUUID() },
  body: await readFile(process.argv[2]),
});
if (made.status > 201) {
  console.log(`${made.status}: ${await reasons(made)}`);
  process.exit(1);
}
const { pathname } = new URL(made.headers.get("location"), ADDRESS);
const fetched = await ask(`${pathname}/content`);
if (fetched.status !== 200) {
  console.log(`${fetched.status}: ${await reasons(fetched)}`);
  process.exit(1);
}
const receipt = await made.json();
const content = await fetched.json();
console.log(`released ${receipt.details.records.released} records`);
console.log(`fetched ${fetched.headers.get("content-type")}: ${content.entry.length} resources`);
