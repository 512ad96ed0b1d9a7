/** What stands between two empty lines of an event stream. A comment is one with nothing in it: a sign of life. */
export interface Frame {
  event?: string;
  data?: string;
  retry?: number;
}

/** Reads an event stream as the HTML standard has it. Half a frame at the end is dropped: it was not all that was sent. */
export async function* frames(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Frame, void, undefined> {
  const decoder = new TextDecoder();
  let rest = "";
  let frame: Frame = {};
  for await (const chunk of chunks) {
    rest += decoder.decode(chunk, { stream: true });
    const lines = rest.split(/\r\n|\n|\r(?!$)/); // a \r at the very end may be half of a \r\n
    rest = lines.pop() ?? "";
    for (const line of lines) {
      if (line !== "") {
        take(frame, line);
        continue;
      }
      yield frame;
      frame = {};
    }
  }
}

function take(frame: Frame, line: string): void {
  const colon = line.indexOf(":");
  const name = colon < 0 ? line : line.slice(0, colon);
  const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
  if (name === "event") frame.event = value;
  if (name === "data") frame.data = frame.data === undefined ? value : `${frame.data}\n${value}`;
  if (name === "retry" && /^\d+$/.test(value)) frame.retry = Number(value);
}
