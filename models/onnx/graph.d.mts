// Types of graph.mjs, as far as tests use it.

/** Whole numbers of eight bits and a scale per row, so that a row's largest is 127. */
export function quantizeRows(
  data: Float32Array,
  rows: number,
  columns: number,
): { scales: Float32Array; numbers: Int8Array };
