import { type Command, InvalidArgumentError, Option } from "commander";
import { collect, wholeNumber } from "../option-parsers.js";

/** What the server's own options were set to; those that are left out were not given and have no default here. */
export interface ServerOptions {
  readonly host: string;
  readonly port: number;
  readonly engine: "torch" | "vllm";
  readonly processes: number;
  readonly python?: string;
  readonly checkpointRoot?: string;
  readonly stageRoot?: string;
  readonly device?: string;
  readonly base?: string;
  readonly preload?: readonly string[];
  readonly weightsFrom?: string;
  readonly weightsTlsCa?: string;
  readonly tlsCert?: string;
  readonly tlsKey?: string;
  readonly [passedOn: string]: unknown;
}

/** Options that `python -m drpo_server` has under the same names, and that mean the same wherever it runs. */
const PASSED_ON = [
  new Option("--device <device>", "torch device (default: cpu)"),
  new Option("--dtype <type>", "type of the weights").choices(["float32", "bfloat16", "float64"]).default("float32"),
  new Option("--threads <count>", "CPU threads of one operator (default: one for each core)").argParser(wholeNumber(1)),
  new Option("--token-budget <count>", "most tokens of one micro-batch").argParser(wholeNumber(1)).default(2048),
  new Option("--engine-options <json>", "with --engine vllm: settings of vLLM by its own names").argParser(jsonObject),
  new Option("--activation-checkpointing", "compute activations again in the backward pass: slower, less memory"),
];

/** Adds what describes a server, in the foreground or not. */
export const addServerOptions = (command: Command): Command => {
  command
    .addOption(
      new Option("--engine <engine>", "torch does everything; vllm samples")
        .choices(["torch", "vllm"])
        .default("torch"),
    )
    .option("--host <host>", "address to serve on; others than loopback need TLS and DRPO_SERVER_TOKEN", "127.0.0.1")
    .addOption(new Option("--port <port>", "0: any free one").argParser(wholeNumber(0)).default(50051))
    .option("--checkpoint-root <dir>", "where runs keep their checkpoints")
    .option("--stage-root <dir>", "where outputs of cached stages are kept")
    .option("--base <dir>", "with --engine vllm: the base to load")
    .option("--preload <base>", "load this base before serving; can be repeated", collect)
    .option("--weights-from <where>", "of a sampler: the trainer's checkpoint root on a shared disk, or its HOST:PORT")
    .option("--weights-tls-ca <file>", "certificate authority of that trainer (PEM)")
    .addOption(
      new Option("--processes <count>", "train on so many processes (torchrun)").argParser(wholeNumber(1)).default(1),
    );
  for (const option of PASSED_ON) command.addOption(option);
  return command
    .option("--tls-cert <file>", "certificate chain (PEM)")
    .option("--tls-key <file>", "private key (PEM)")
    .option(
      "--python <file>",
      "interpreter (default: $DRPO_PYTHON, then .venv; for vllm $DRPO_VLLM_PYTHON, then .venv-vllm)",
    );
};

/** Where things are, as the server is to find them: in a container under other paths than here. */
export interface ServerPlaces {
  readonly host: string;
  readonly port: number;
  readonly checkpointRoot: string;
  readonly stageRoot: string;
}

/** The arguments of `python -m drpo_server`. */
export const serverArguments = (options: ServerOptions, places: ServerPlaces): readonly string[] => [
  `--host=${places.host}`,
  `--port=${places.port}`,
  `--checkpoint-root=${places.checkpointRoot}`,
  `--stage-root=${places.stageRoot}`,
  ...given({ "tls-cert": options.tlsCert, "tls-key": options.tlsKey }),
  ...engineArguments(options),
];

/** Those that do not depend on where the server runs, but that paths in it do. */
export const engineArguments = (options: ServerOptions): readonly string[] => [
  // The server's default; named only where it is another, so that an image's own choice stays.
  ...given({ engine: options.engine === "torch" ? undefined : options.engine, base: options.base }),
  ...(options.preload ?? []).map((base) => `--preload=${base}`),
  ...given({ "weights-from": options.weightsFrom, "weights-tls-ca": options.weightsTlsCa }),
  ...PASSED_ON.flatMap((option) => {
    const value = options[option.attributeName()] as string | number | true | undefined;
    return value === true ? [option.long!] : given({ [option.long!.slice(2)]: value });
  }),
];

const given = (values: Readonly<Record<string, string | number | undefined>>): readonly string[] =>
  Object.entries(values).flatMap(([name, value]) => (value === undefined ? [] : [`--${name}=${value}`]));

/** Checked here, before anything is started; passed on as it is. */
function jsonObject(text: string): string {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === "object" && value !== null && !Array.isArray(value)) return text;
  } catch {
    // Said below.
  }
  throw new InvalidArgumentError('It must be a JSON object, such as {"tensor_parallel_size": 2}.');
}
