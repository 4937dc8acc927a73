// See kernel_types.h. The rules are those of ggml/src/ggml-cpu: ops.cpp, binary-ops.cpp, unary-ops.cpp and
// ggml-cpu.c. An operation that is not mentioned computes F32.

#include "engine/common/kernel_types.h"

#include <cstring>

#include "engine/common/backend_files.h"
#include "ggml-cpu.h"

namespace autocog {

namespace {

const ggml_type_traits_cpu* CpuTraits(ggml_type type) {
#ifdef GGML_BACKEND_DL
  using Get = const ggml_type_traits_cpu* (*)(ggml_type);
  static const auto get = reinterpret_cast<Get>(CpuFunction("ggml_get_type_traits_cpu"));
  static const ggml_type_traits_cpu none = {};
  return get == nullptr ? &none : get(type);
#else
  return ggml_get_type_traits_cpu(type);
#endif
}

bool IsFloat(ggml_type type) { return type == GGML_TYPE_F32 || type == GGML_TYPE_F16 || type == GGML_TYPE_BF16; }

bool IsHalf(ggml_type type) { return type == GGML_TYPE_F16 || type == GGML_TYPE_BF16; }

bool CanDequantize(ggml_type type) {
  return ggml_is_quantized(type) && ggml_get_type_traits(type)->to_float != nullptr;
}

// Types whose rows can be looked up.
bool HasRows(ggml_type type) { return IsFloat(type) || type == GGML_TYPE_I32 || CanDequantize(type); }

// Types that can be multiplied with activations, which are converted to the type's counterpart.
bool CanMultiply(ggml_type type) {
  const ggml_type_traits_cpu* traits = CpuTraits(type);
  if (traits->vec_dot == nullptr) return false;
  const ggml_type other = traits->vec_dot_type;
  return other == GGML_TYPE_F32 || CpuTraits(other)->from_float != nullptr;
}

bool IsSupportedFactor(const ggml_tensor* node, int source) {
  const ggml_type weight = node->src[0]->type;
  const ggml_type activation = node->src[1]->type;
  if (source == 0) return CanMultiply(weight);
  if (activation == GGML_TYPE_F32 || !CanMultiply(weight)) return true;
  return activation == CpuTraits(weight)->vec_dot_type;
}

// add, sub, mul, div: equal floats, or a float of two bytes with an F32 one.
bool IsSupportedOperand(const ggml_tensor* node, int source) {
  const ggml_type a = node->src[0]->type;
  const ggml_type b = node->src[1]->type;
  const ggml_type result = node->type;
  const bool same = IsFloat(a) && a == b && result == a;
  const bool mixed = IsHalf(a) && b == GGML_TYPE_F32 && (result == a || result == GGML_TYPE_F32);
  return same || mixed || node->src[source]->type == GGML_TYPE_F32;
}

bool CanCopy(ggml_type from, ggml_type to) {
  if (from == to) return true;
  if (from == GGML_TYPE_I32) return to == GGML_TYPE_F32;
  if (!IsFloat(from)) return to == GGML_TYPE_F32 && CanDequantize(from);
  if (IsFloat(to)) return true;
  if (to == GGML_TYPE_I32) return from == GGML_TYPE_F32;
  return CpuTraits(to)->from_float != nullptr;
}

bool CanRepeat(ggml_type type) { return IsFloat(type) || type == GGML_TYPE_I16 || type == GGML_TYPE_I32; }

// Which source of an operation has indices; -1 if none has.
int IndexSource(ggml_op op) {
  switch (op) {
    case GGML_OP_GET_ROWS:
    case GGML_OP_SET_ROWS:
    case GGML_OP_ROPE:
      return 1;
    case GGML_OP_MUL_MAT_ID:
    case GGML_OP_ADD_ID:
      return 2;
    case GGML_OP_SSM_SCAN:
      return 6;
    default:
      return -1;
  }
}

}  // namespace

bool IsSupported(const ggml_tensor* node, int source) {
  const ggml_type type = node->src[source]->type;
  if (source == IndexSource(node->op)) return type == GGML_TYPE_I32 || type == GGML_TYPE_I64;
  switch (node->op) {
    case GGML_OP_NONE:
    case GGML_OP_RESHAPE:
    case GGML_OP_VIEW:
    case GGML_OP_PERMUTE:
    case GGML_OP_TRANSPOSE:
      return true;
    case GGML_OP_MUL_MAT:
    case GGML_OP_MUL_MAT_ID:
      return IsSupportedFactor(node, source);
    case GGML_OP_ADD:
    case GGML_OP_SUB:
    case GGML_OP_MUL:
    case GGML_OP_DIV:
      return IsSupportedOperand(node, source);
    case GGML_OP_GET_ROWS:
      return HasRows(type);
    case GGML_OP_CPY:
    case GGML_OP_CONT:
    case GGML_OP_DUP:
      return source > 0 || CanCopy(type, node->type);
    case GGML_OP_REPEAT:
      return source > 0 || CanRepeat(type);
    case GGML_OP_CONCAT:
      return CanRepeat(type) && type == node->type;
    case GGML_OP_IM2COL:
      // Only the shape of the first source counts.
      return source == 0 || type == GGML_TYPE_F32;
    case GGML_OP_SQR:
    case GGML_OP_SQRT:
    case GGML_OP_LOG:
    case GGML_OP_SIN:
    case GGML_OP_COS:
    case GGML_OP_UNARY:
    case GGML_OP_CLAMP:
    case GGML_OP_ROPE:
      return type == GGML_TYPE_F32 || (source == 0 && type == GGML_TYPE_F16);
    default:
      return type == GGML_TYPE_F32;
  }
}

bool IsWeightType(ggml_type type) { return CanMultiply(type); }

int64_t RowsIndexedBy(const ggml_tensor* node, int source) {
  if (source != IndexSource(node->op)) return 0;
  switch (node->op) {
    case GGML_OP_MUL_MAT_ID:
      return node->src[0]->ne[2];
    case GGML_OP_ADD_ID:
    case GGML_OP_GET_ROWS:
      return node->src[node->op == GGML_OP_ADD_ID ? 1 : 0]->ne[1];
    default:
      return 0;
  }
}

bool HasBadEpsilon(const ggml_tensor* node) {
  if (node->op != GGML_OP_NORM && node->op != GGML_OP_RMS_NORM && node->op != GGML_OP_L2_NORM) return false;
  float epsilon;
  std::memcpy(&epsilon, node->op_params, sizeof epsilon);
  return !(epsilon >= 0.0f);
}

bool HasBadRotation(const ggml_tensor* node) {
  if (node->op != GGML_OP_ROPE && node->op != GGML_OP_ROPE_BACK) return false;
  const int64_t size = node->ne[0];
  const int64_t dimensions = node->op_params[1];
  const int32_t mode = node->op_params[2];
  const int32_t* sections = node->op_params + 11;
  const int64_t offset = node->op_params[15];
  // The kernel asserts no lower limit, and writes before the row for a negative number.
  if (dimensions < 0 || dimensions % 2 != 0 || offset < 0 || offset % 2 != 0 || offset + dimensions > size) return true;
  const ggml_tensor* factors = node->src[2];
  if (factors != nullptr && factors->ne[0] < dimensions / 2) return true;
  if (mode == GGML_ROPE_TYPE_VISION && (dimensions != size / 2 || offset != 0)) return true;
  if ((mode & GGML_ROPE_TYPE_MROPE) == 0) return false;
  int64_t sum = 0;
  for (int i = 0; i < 4; ++i) {
    if (sections[i] < 0) return true;
    sum += sections[i];
  }
  // The kernel divides by the sum, and asks for one of the first three to be positive.
  return sum == sections[3] || sum > size;
}

}  // namespace autocog
