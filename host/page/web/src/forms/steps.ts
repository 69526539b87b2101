/** Help texts of connectors: clicks in an order, written as "1. … 2. …" in one text, or one to a line. */

/** The steps of a help text; a text without an order is one step. */
export function stepsOf(help: string): string[] {
  const text = help.trim();
  if (text === "") return [];
  const steps: string[] = [];
  let from = 0;
  // "1." begins a text or follows a space; numbers inside a sentence are not the next in order.
  for (let number = 1; ; number += 1) {
    const mark = new RegExp(`(?:^|\\s)${number}[.)]\\s+`, "g");
    mark.lastIndex = from;
    const found = mark.exec(text);
    if (found === null) break;
    if (number > 1) steps.push(text.slice(from, found.index).trim());
    else if (text.slice(0, found.index).trim() !== "") steps.push(text.slice(0, found.index).trim());
    from = mark.lastIndex;
  }
  if (from === 0) return text.split(/\n+/).map((line) => line.trim()).filter((line) => line !== "");
  steps.push(text.slice(from).trim());
  return steps.filter((step) => step !== "");
}
