/** One automation. */
export const automation = {} as const;
