// Included before llama.cpp's KV cache (cmake/llama.cmake). It gives a cell outside of its sequence's sliding window
// away, even in a cache of full size, where every cell has a place. But our prompts are continued from any of their
// tokens, and branches of a tree from any of theirs: there the cell is inside of the window.

#ifndef AUTOCOG_KEEP_CELLS_H_
#define AUTOCOG_KEEP_CELLS_H_

#include "llama-kv-cells.h"

// `find_slot` alone asks for the cell `idx`, whether it belongs to one sequence only, so that it can be taken. A cell
// of another name is another question; of a new one, an error when this is compiled.
#define seq_count(cell) AUTOCOG_COUNT_##cell(cell)
#define AUTOCOG_COUNT_i(cell) seq_count(cell)
#define AUTOCOG_COUNT_idx(cell) seq_count(cell) * 0

#endif  // AUTOCOG_KEEP_CELLS_H_
