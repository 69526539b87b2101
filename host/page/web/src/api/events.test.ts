import { expect, it } from "vitest";

import { EventParser } from "./events";

const told = (chunks: string[]) => {
  const parser = new EventParser();
  return chunks.flatMap((chunk) => parser.push(chunk));
};

it("reads events whatever pieces they arrive in", () => {
  const stream = 'event: progress\ndata: {"read":1}\n\n: still here\n\nevent: ended\r\ndata: {"run":7}\r\n\r\n';
  const expected = [
    { event: "progress", data: '{"read":1}' },
    { event: "ended", data: '{"run":7}' },
  ];
  expect(told([stream])).toEqual(expected);
  expect(told([...stream])).toEqual(expected);
});

it("joins lines of data and names what has no name", () => {
  expect(told(["data: a\ndata:b\n\n"])).toEqual([{ event: "message", data: "a\nb" }]);
});

it("keeps back what has not ended, and tells nothing of an event without data", () => {
  expect(told(["event: ended\n\n", "data: half"])).toEqual([]);
});
