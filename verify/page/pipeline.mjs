// A run of `pipeline local` for the tests of the page, and its clients.
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export const root = new URL("../..", import.meta.url).pathname;
const binary = process.env.PIPELINE || join(root, ".build/pipeline");
const template = join(root, "local/template/testdata/dev.template.json");

// Runs holds what has to be ended and removed.
export class Runs {
  #ends = [];

  folder() {
    const folder = mkdtempSync(join(tmpdir(), "page-test-"));
    this.#ends.push(() => rmSync(folder, { recursive: true, force: true }));
    return folder;
  }

  // start starts `pipeline local` with a folder of its own and waits until its output has the pattern.
  async start(flags, pattern) {
    const out = join(this.folder(), "out");
    const child = spawn(binary, ["local", "--project", root, "--template", template, "--out", out, ...flags],
      { stdio: ["ignore", "pipe", "pipe"] });
    let said = "";
    const ended = new Promise((resolve) => child.on("exit", resolve));
    this.#ends.push(async () => { child.kill("SIGINT"); await ended; });
    for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk) => { said += chunk; });
    const run = { child, out, ended, said: () => said };
    await until(`pipeline local to say ${pattern}`, () => {
      if (child.exitCode !== null) throw new Error(`pipeline local ended: ${said}`);
      return pattern.test(said);
    }, 300);
    return run;
  }

  // serve starts a served run, with addresses of its own.
  async serve(...flags) {
    const run = await this.start(["--serve", "--listen", "127.0.0.1:0", "--page-listen", "127.0.0.1:0", ...flags],
      /sqs receive-message/);
    run.api = /served on (\S+)/.exec(run.said())[1];
    run.page = /in a browser: (\S+)/.exec(run.said())[1];
    run.streams = { lake: /LAKE_STREAM=(\S+)/.exec(run.said())[1], search: /SEARCH_STREAM=(\S+)/.exec(run.said())[1] };
    return run;
  }

  async end() {
    for (const end of this.#ends.reverse()) await end();
  }
}

// put puts records to both streams, as a producer has to.
export async function put(run, records) {
  for (const [kind, name] of Object.entries(run.streams)) {
    for (let at = 0; at < records.length; at += 4) { // records of 1 MB: a call takes 4 MiB
      const batch = records.slice(at, at + 4);
      const answer = await fetch(run.api, { method: "POST", headers: { "X-Amz-Target": "Firehose_20150804.PutRecordBatch",
        "Content-Type": "application/x-amz-json-1.1" }, body: JSON.stringify({ DeliveryStreamName: name,
        Records: batch.map((record) => ({ Data: Buffer.concat([Buffer.from(record),
          Buffer.from(kind === "lake" ? "\n" : "")]).toString("base64") })) }) });
      const result = await answer.json();
      if (!answer.ok || result.FailedPutCount) throw new Error(`putting records: ${JSON.stringify(result).slice(0, 300)}`);
    }
  }
}

// until waits for a condition.
export async function until(what, condition, seconds = 60) {
  for (const deadline = Date.now() + seconds * 1000; Date.now() < deadline;) {
    const found = await condition();
    if (found) return found;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`waited ${seconds} s for ${what}`);
}
