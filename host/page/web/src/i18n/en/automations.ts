/** My Flows. */
export const automations = {
  "health.none": "No runs yet",
  "health.label": {
    one: "Last run: {good} succeeded, {partial} partly, {failed} failed",
    other: "Last {n} runs: {good} succeeded, {partial} partly, {failed} failed",
  },
} as const;
