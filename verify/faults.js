// Holds the report of a run with faults against the law of conservation, and prints it as a row: node verify/faults.js FAULT REPORT
const fs = require("fs");
const [, , fault, file] = process.argv;
const report = JSON.parse(fs.readFileSync(file, "utf8"));
const fail = (problem) => { console.error(`faults: --fault ${fault}: ${problem}`); process.exit(1); };

const put = report.events + (report.notEvents ?? 0); // lines that are no event are put all the same
const { lake, search } = report.streams;
for (const [name, s] of Object.entries({ lake, search })) {
  const accounted = s.delivered + s.dropped + s.failed + (s.discarded ?? 0);
  if (s.received !== put || accounted !== s.received) fail(`${name}: ${put} put, ${s.received} received, ${accounted} accounted for`);
}
const { records, findings, duplicates, declaredLosses = {} } = report.check;
if (records !== 2 * put) fail(`${records} records checked, want ${2 * put}`);
if (findings.length > 0) fail(`${findings.length} findings`);
const asked = Object.entries(report.faults);
for (const [name, times] of asked) if (times === 0) fail(`${name} never came about`);
const declared = Object.entries(declaredLosses).map(([where, n]) => `${n.toLocaleString("en")} ${where}`);
if (declared.length > 0 !== (fault === "s3-down:25h")) fail(`declared losses: ${declared.join(", ") || "none"}`);

const list = (...numbers) => numbers.map((n) => n.toLocaleString("en")).join(" · ");
const came = asked.length === 1 ? list(asked[0][1]) : asked.map(([name, times]) => `${name} ${times.toLocaleString("en")}`).join(", ");
console.log(`| ${[
  `\`${fault}\``, list(put), came, list(lake.delivered, lake.dropped, lake.failed), list(search.delivered, search.dropped, search.failed),
  list(report.deadLetter.messages), list(duplicates.letters, duplicates.stored, duplicates.overwritten), declared.join(", ") || "none", findings.length,
].join(" | ")} |`);
