// Makes BackstopJS's report of pictures that are there already: its own comparison and its own page, without its
// capturing. Usage: node backstop_report.cjs FOLDER PACKAGES, where FOLDER holds expected/ and actual/.
const fs = require("node:fs");
const path = require("node:path");

const [, , folder, packages] = process.argv;
const core = path.join(packages, "node_modules/backstopjs/core");
process.chdir(folder);
const paths = { bitmaps_reference: "expected", bitmaps_test: "actual", html_report: "backstop/html_report", ci_report: "backstop/ci" };
const scenarios = [{ label: "x", url: "about:blank" }];
const viewports = [{ label: "v", width: 960, height: 720 }];
const settings = { id: "pictures", paths, scenarios, viewports, report: ["browser"], openReport: false, misMatchThreshold: 0 };
const config = require(path.join(core, "util/makeConfig"))("_report", { config: settings });
config.openReport = false;
config.screenshotDateTime = "run";
fs.mkdirSync(path.join(folder, "actual", "run"), { recursive: true });
const testPairs = fs.readdirSync("expected").sort().map((name) => ({
  reference: path.join("expected", name), test: path.join("actual", name), selector: "document", fileName: name, label: name,
  viewportLabel: "v", requireSameDimensions: true, misMatchThreshold: 0, url: "about:blank",
}));
fs.mkdirSync(path.dirname(config.tempCompareConfigFileName), { recursive: true });
fs.writeFileSync(config.tempCompareConfigFileName, JSON.stringify({ compareConfig: { testPairs } }));
// It ends with an error where pictures differ, as a test does; the report is written before.
require(path.join(core, "command"))("_report", config).then(() => process.exit(0), () => process.exit(0));
