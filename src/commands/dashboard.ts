import { stat } from "node:fs/promises";
import { resolve } from "node:path";
import { Command } from "commander";
import { startDashboard } from "../dashboard/server/start-dashboard.js";
import { BadInputError } from "../errors.js";
import { catchInterrupts } from "./catch-interrupts.js";
import { type CommandContext, printJson } from "./command-context.js";
import { createResetHere } from "./create-reset-here.js";
import { openInBrowser } from "./open-in-browser.js";
import { collect, wholeNumber } from "./option-parsers.js";
import { packageVersion } from "./package-version.js";
import { progressOf } from "./progress-of.js";
import { shownPath } from "./shown-path.js";

interface DashboardOptions {
  readonly port: number;
  readonly host: string;
  readonly allowHost?: readonly string[];
  readonly server?: boolean;
  readonly open?: boolean;
  readonly json?: boolean;
}

/** `drpo dashboard`: runs in the browser, as they go on. */
export const dashboardCommand = (context: CommandContext): Command =>
  new Command("dashboard")
    .summary("watch runs in the browser")
    .description(
      "Serves a page that shows the runs in a folder as they go on: curves, comparisons, rollouts token by token. It only " +
        "reads. Serves this machine alone, unless a token is set ($DRPO_DASHBOARD_TOKEN), which the page asks for.",
    )
    .argument("[runs]", "folder of runs, of sweeps, or of one run", "runs")
    .option("--port <port>", "0: any free one", wholeNumber(0), 7654)
    .option("--host <host>", "address to serve on; others than loopback need a token", "127.0.0.1")
    .option("--allow-host <name>", "a further name that it is reached by, such as that of a proxy; repeatable", collect)
    .option(
      "--server",
      "go on from states of rollouts (reset here): starts a run's model server when it is asked first",
    )
    .option("--open", "open the page in the browser")
    .option("--json", "print the address as JSON on standard output")
    .addHelpText(
      "after",
      "\nExamples:\n  $ drpo dashboard\n  $ drpo dashboard runs/ablation --server --port 0 --open\n",
    )
    .action(async (runs: string, options: DashboardOptions) => {
      const root = resolve(context.cwd, runs);
      await refuseNoFolder(root);
      const { signal, release } = catchInterrupts(context);
      const progress = progressOf(context);
      const resetHere = options.server ? createResetHere(context, { progress, signal }) : null;
      try {
        const dashboard = await startDashboard({
          ...{ root, shownRoot: shownPath(root, context.cwd), version: packageVersion(), resetHere },
          ...{ host: options.host, port: options.port, token: context.environment["DRPO_DASHBOARD_TOKEN"] },
          allowedHosts: options.allowHost ?? [],
        });
        if (options.json) printJson(context, { address: dashboard.address });
        else context.stdout.write(`Dashboard: ${dashboard.address} (Ctrl-C ends it)\n`);
        if (options.open) openInBrowser(dashboard.address);
        await aborted(signal);
        await dashboard.close();
      } finally {
        await resetHere?.close();
        progress.close();
        release();
      }
    });

async function refuseNoFolder(root: string): Promise<void> {
  const isFolder = await stat(root).then(
    (found) => found.isDirectory(),
    () => false,
  );
  if (isFolder) return;
  throw new BadInputError(`There is no folder ${root}. Name the folder that the runs are in: drpo dashboard RUNS`);
}

const aborted = (signal: AbortSignal): Promise<void> =>
  new Promise((done) => {
    if (signal.aborted) done();
    else signal.addEventListener("abort", () => done(), { once: true });
  });
