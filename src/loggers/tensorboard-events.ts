import { BinaryWriter } from "@bufbuild/protobuf/wire";

/**
 * Events of TensorBoard, encoded: the few fields that are needed of the protobuf messages Event, Summary, SessionLog and
 * TensorProto (tensorboard/compat/proto/*.proto) and HParamsPluginData (tensorboard/plugins/hparams/plugin_data.proto).
 * Numbers in the code are field numbers.
 */
interface EventTime {
  readonly at: Date;
  readonly step: number;
}

const DT_STRING = 7;
const SESSION_START = 1;
/** hparams/api.proto: STATUS_SUCCESS, STATUS_FAILURE. */
const SESSION_STATUS = { done: 1, failed: 2 } as const;

type Fill = (message: BinaryWriter) => BinaryWriter;

const message = (writer: BinaryWriter, field: number, fill: Fill): BinaryWriter =>
  fill(writer.tag(field, 2).fork()).join();

const event = ({ at, step }: EventTime, fill: Fill): Uint8Array =>
  fill(
    new BinaryWriter()
      .tag(1, 1)
      .double(at.getTime() / 1000)
      .tag(2, 0)
      .int64(step),
  ).finish();

/** The first event of every file. */
export const fileVersionEvent = (at: Date): Uint8Array =>
  event({ at, step: 0 }, (e) => e.tag(3, 2).string("brain.Event:2"));

/** Tells TensorBoard to forget whatever it has read before, as of step 0 on: what counts comes after it. */
export const forgetEvent = (at: Date): Uint8Array =>
  event({ at, step: 0 }, (e) => message(e, 7, (sessionLog) => sessionLog.tag(1, 0).int32(SESSION_START)));

/** Numbers by tag. They are float32: TensorBoard's scalars have no more. */
export const scalarsEvent = (time: EventTime, scalars: Readonly<Record<string, number>>): Uint8Array =>
  event(time, (e) =>
    message(e, 5, (summary) => {
      for (const [tag, value] of Object.entries(scalars))
        message(summary, 1, (one) => one.tag(1, 2).string(tag).tag(2, 5).float(value));
      return summary;
    }),
  );

/** A text in Markdown. */
export const textEvent = (time: EventTime, tag: string, text: string): Uint8Array =>
  pluginEvent(time, tag, { plugin: "text" }, (value) =>
    message(value, 8, (tensor) =>
      message(tensor.tag(1, 0).int32(DT_STRING), 2, (shape) => message(shape, 2, (dim) => dim.tag(1, 0).int64(1)))
        .tag(8, 2)
        .string(text),
    ),
  );

/** What the run is made of, for the HParams tab. */
export const hparamsEvent = (at: Date, hparams: ReadonlyMap<string, string | number | boolean>): Uint8Array =>
  hparamsPluginEvent(at, "_hparams_/session_start_info", 3, (info) => {
    for (const [name, value] of hparams)
      message(info, 1, (entry) => message(entry.tag(1, 2).string(name), 2, (one) => protobufValue(one, value)));
    return info.tag(5, 1).double(at.getTime() / 1000);
  });

/** How the session ended, for the HParams tab. */
export const hparamsEndEvent = (at: Date, outcome: keyof typeof SESSION_STATUS): Uint8Array =>
  hparamsPluginEvent(at, "_hparams_/session_end_info", 4, (info) =>
    info
      .tag(1, 0)
      .int32(SESSION_STATUS[outcome])
      .tag(2, 1)
      .double(at.getTime() / 1000),
  );

function hparamsPluginEvent(at: Date, tag: string, field: number, fill: Fill): Uint8Array {
  const content = message(new BinaryWriter(), field, fill).finish();
  return pluginEvent({ at, step: 0 }, tag, { plugin: "hparams", content }, (value) => value);
}

/** google.protobuf.Value */
const protobufValue = (writer: BinaryWriter, value: string | number | boolean): BinaryWriter => {
  if (typeof value === "number") return writer.tag(2, 1).double(value);
  return typeof value === "string" ? writer.tag(3, 2).string(value) : writer.tag(4, 0).bool(value);
};

function pluginEvent(
  time: EventTime,
  tag: string,
  { plugin, content }: { readonly plugin: string; readonly content?: Uint8Array },
  fill: Fill,
): Uint8Array {
  const pluginData: Fill = (data) => {
    data.tag(1, 2).string(plugin);
    return content ? data.tag(2, 2).bytes(content) : data;
  };
  return event(time, (e) =>
    message(e, 5, (summary) =>
      message(summary, 1, (value) => {
        value.tag(1, 2).string(tag);
        message(value, 9, (metadata) => message(metadata, 1, pluginData));
        return fill(value);
      }),
    ),
  );
}
