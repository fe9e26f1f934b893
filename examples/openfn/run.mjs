// Gives job.js to OpenFn's runtime, as an OpenFn server does after it compiled the job: each
// operation that is called at its top becomes a step.
import { randomUUID } from "node:crypto";
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import createLogger from "@openfn/logger";
import run from "@openfn/runtime";

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const job = await readFile(here("job.js"), "utf8");
const expression = `
import * as adaptor from "@openfn/language-http";
const steps = [];
const step = (name) => (...said) => { steps.push(adaptor[name](...said)); };
const [post, get, fn] = ["post", "get", "fn"].map(step);
${job}
export default steps;`;

const adaptor = here("node_modules/@openfn/language-http");
const { version } = JSON.parse(await readFile(`${adaptor}/package.json`, "utf8"));
const state = await run(
  {
    workflow: {
      steps: [
        {
          id: "transfer",
          expression,
          configuration: { baseUrl: process.env.ADDRESS, access_token: process.env.TOKEN },
        },
      ],
    },
  },
  { data: JSON.parse(await readFile(process.argv[2], "utf8")), runId: process.env.RUN_ID ?? randomUUID() },
  {
    logger: createLogger("job", { level: "none" }),
    linker: { modules: { "@openfn/language-http": { path: adaptor, version } } },
    statePropsToRemove: [],
  },
);
for (const error of Object.values(state.errors ?? {})) {
  console.log(error.message);
  process.exit(1);
}
console.log(`released ${state.receipt.details.records.released} records`);
console.log(`fetched ${state.response.headers["content-type"]}: ${state.data.entry.length} resources`);
