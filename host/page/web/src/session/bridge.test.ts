import { describe, expect, it, vi } from "vitest";

import { Bridge, hostOrigin, read } from "./bridge";

const HOST = "https://vendor.example.com";

function setUp() {
  let listener: ((event: MessageEvent) => void) | undefined;
  const own = { addEventListener: (_: string, given: (event: MessageEvent) => void) => (listener = given) };
  const postMessage = vi.fn();
  const host = { postMessage };
  const bridge = new Bridge(own as unknown as Window, host as unknown as Window, HOST);
  const arrives = (data: unknown, origin = HOST, source: unknown = host) => listener?.({ data, origin, source } as MessageEvent);
  return { bridge, arrives, postMessage };
}

describe("the bridge", () => {
  it("takes messages of the vendor's page only", () => {
    const { bridge, arrives } = setUp();
    const token = vi.fn();
    bridge.on("token", token);
    const message = { matricula: 1, type: "token", token: "abc" };
    arrives(message, "https://elsewhere.example.com");
    arrives(message, HOST, {});
    arrives({ ...message, matricula: 2 });
    expect(token).not.toHaveBeenCalled();
    arrives(message);
    expect(token).toHaveBeenCalledExactlyOnceWith({ type: "token", token: "abc" });
  });

  it("speaks to the vendor's origin and to no other", () => {
    const { bridge, postMessage } = setUp();
    bridge.say({ type: "height", px: 640 });
    expect(postMessage).toHaveBeenCalledExactlyOnceWith({ matricula: 1, type: "height", px: 640 }, HOST);
  });

  it.each([
    [null],
    ["token"],
    [{ matricula: 1, type: "token" }],
    [{ matricula: 1, type: "screen", path: 7 }],
    [{ matricula: 1, type: "unheard-of" }],
  ])("leaves %j alone", (data) => {
    expect(read(data)).toBeNull();
  });

  it("takes of a theme what is text", () => {
    expect(read({ matricula: 1, type: "theme", scheme: "pink", variables: { "--matricula-accent": "red", x: 1 } })).toEqual({
      type: "theme",
      scheme: "auto",
      variables: { "--matricula-accent": "red" },
    });
  });
});

it.each([
  ["?vendor=a&origin=https://vendor.example.com", HOST],
  ["?origin=http://localhost:8080", "http://localhost:8080"],
  ["?vendor=a", null],
  ["?origin=*", null],
  ["?origin=null", null],
  ["?origin=https://vendor.example.com/path", null],
  ["?origin=javascript:alert(1)", null],
])("takes of %s the origin %s", (search, origin) => {
  expect(hostOrigin(search)).toBe(origin);
});
