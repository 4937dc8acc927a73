// Types of graph.mjs, as far as tests use it.

/** Quantizes to int8 with one scale per row; a row's largest magnitude becomes 127. */
export function quantizeRows(
  data: Float32Array,
  rows: number,
  columns: number,
): { scales: Float32Array; numbers: Int8Array };
