/** Programs that a test starts and ends, each by itself. */

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";

/** How long one may take until it says that it is ready. */
const PATIENCE_MS = 60_000;

export class Program {
  readonly #child: ChildProcess;
  /** The line that it printed when it was ready. */
  readonly said: string;
  /** What it says on standard error, for when something goes wrong. */
  readonly log: string[];

  private constructor(child: ChildProcess, said: string, log: string[]) {
    this.#child = child;
    this.said = said;
    this.log = log;
  }

  /** Starts a program that prints one line when it is ready. */
  static async start(command: string, args: readonly string[]): Promise<Program> {
    const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith("MATRICULA_")));
    const child = spawn(command, args, { stdio: ["pipe", "pipe", "pipe"], env });
    const log: string[] = [];
    createInterface({ input: child.stderr }).on("line", (line) => log.push(line));
    const said = new Promise<string>((resolve, reject) => {
      createInterface({ input: child.stdout }).once("line", resolve);
      child.once("error", reject);
      child.once("exit", (code) => reject(new Error(`${command} has ended with ${code}:\n${log.join("\n")}`)));
      setTimeout(() => reject(new Error(`${command} did not begin:\n${log.join("\n")}`)), PATIENCE_MS).unref();
    });
    try {
      return new Program(child, await said, log);
    } catch (error) {
      child.kill("SIGKILL");
      throw error;
    }
  }

  /** Ends it and waits until it has ended. */
  async end(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const ended = once(this.#child, "exit");
    this.#child.kill("SIGKILL");
    await ended;
  }
}
