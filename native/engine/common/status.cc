// The names of the error codes: NativeErrorCode of lib/native/binding-types.ts.

#include "engine/common/status.h"

namespace autocog {

const char* CodeName(Code code) {
  switch (code) {
    case Code::kOk:
      return "OK";
    case Code::kAborted:
      return "ABORTED";
    case Code::kClosed:
      return "CLOSED";
    case Code::kContextOverflow:
      return "CONTEXT_OVERFLOW";
    case Code::kDecodeFailed:
      return "DECODE_FAILED";
    case Code::kInternal:
      return "INTERNAL";
    case Code::kInvalidArgument:
      return "INVALID_ARGUMENT";
    case Code::kModelLoad:
      return "MODEL_LOAD";
    case Code::kNotSupported:
      return "NOT_SUPPORTED";
    case Code::kOutOfMemory:
      return "OUT_OF_MEMORY";
    case Code::kOutOfRange:
      return "OUT_OF_RANGE";
    case Code::kStateMismatch:
      return "STATE_MISMATCH";
  }
  return "INTERNAL";
}

}  // namespace autocog
