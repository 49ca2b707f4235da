//===- signatures.cpp - Operands of every kernel --------------------------===//

#include "kernels/signatures.h"

#include <array>

namespace sluice {
namespace {

constexpr auto R = Access::Read;
constexpr auto W = Access::Write;
constexpr auto RW = Access::ReadWrite;
using enum TypeRule;

constexpr Factor rows{Factor::Rows};
constexpr Factor maxRows{Factor::MaxRows};
constexpr Factor dim(uint8_t index) { return {Factor::Dim, index}; }
constexpr Factor half(uint8_t index) { return {Factor::Dim, index, 2}; }
constexpr Factor plusOne(uint8_t index) { return {Factor::Dim, index, 1, 1}; }

constexpr const char *kEps[] = {"eps"};
constexpr const char *kScale[] = {"scale"};

constexpr const char *kEmbedDims[] = {"vocab", "hidden"};
constexpr Operand kEmbed[] = {
    {"tokens", R, I32, false, {rows}},
    {"table", R, Weight, false, {dim(0), dim(1)}},
    {"out", W, Activation, false, {rows, dim(1)}},
};

constexpr const char *kLinearDims[] = {"inputs", "outputs"};
constexpr Operand kLinear[] = {
    {"in", R, Wide, false, {rows, dim(0)}},
    {"weight", R, Weight, false, {dim(1), dim(0)}},
    {"bias", R, Weight, true, {dim(1)}},
    {"out", W, Wide, false, {rows, dim(1)}},
};

// Two or three matrices that multiply the same rows: each output has the bits
// of a linear of its own. Without a third matrix "outputs2" is 0.
constexpr const char *kLinearGroupDims[] = {"inputs", "outputs0", "outputs1",
                                            "outputs2"};
constexpr Operand kLinearGroup[] = {
    {"in", R, Wide, false, {rows, dim(0)}},
    {"weight0", R, Weight, false, {dim(1), dim(0)}},
    {"bias0", R, Weight, true, {dim(1)}},
    {"out0", W, Wide, false, {rows, dim(1)}},
    {"weight1", R, Weight, false, {dim(2), dim(0)}},
    {"bias1", R, Weight, true, {dim(2)}},
    {"out1", W, Wide, false, {rows, dim(2)}},
    {"weight2", R, Weight, true, {dim(3), dim(0)}},
    {"bias2", R, Weight, true, {dim(3)}},
    {"out2", W, Wide, true, {rows, dim(3)}},
};

// Normalises each of `groups` groups of `width` on its own: one group for a
// hidden state, one a head for q and k norms.
constexpr const char *kRmsNormDims[] = {"groups", "width"};
constexpr Operand kRmsNorm[] = {
    {"in", R, Activation, false, {rows, dim(0), dim(1)}},
    {"weight", R, Weight, false, {dim(1)}},
    {"out", W, Activation, false, {rows, dim(0), dim(1)}},
};

constexpr const char *kHiddenDims[] = {"hidden"};
constexpr Operand kAdd[] = {
    {"a", R, Activation, false, {rows, dim(0)}},
    {"b", R, Activation, false, {rows, dim(0)}},
    {"out", W, Activation, false, {rows, dim(0)}},
};
constexpr Operand kAddRmsNorm[] = {
    {"a", R, Activation, false, {rows, dim(0)}},
    {"b", R, Activation, false, {rows, dim(0)}},
    {"weight", R, Weight, false, {dim(0)}},
    {"sum", W, Activation, false, {rows, dim(0)}},
    {"out", W, Activation, false, {rows, dim(0)}},
};

constexpr const char *kRopeDims[] = {"heads", "head_dim", "positions"};
constexpr Operand kRope[] = {
    {"in", R, Activation, false, {rows, dim(0), dim(1)}},
    {"position", R, I32, false, {rows}},
    {"cos", R, F32, false, {dim(2), half(1)}},
    {"sin", R, F32, false, {dim(2), half(1)}},
    {"out", W, Activation, false, {rows, dim(0), dim(1)}},
};

constexpr const char *kKvWriteDims[] = {"kv_heads",  "head_dim",
                                        "pages",     "page_tokens",
                                        "sequences", "pages_per_sequence"};
constexpr Operand kKvWrite[] = {
    {"k", R, Activation, false, {rows, dim(0), dim(1)}},
    {"v", R, Activation, false, {rows, dim(0), dim(1)}},
    {"position", R, I32, false, {rows}},
    {"sequence", R, I32, false, {rows}},
    {"page_table", R, I32, false, {dim(4), dim(5)}},
    {"k_cache", RW, Activation, false, {dim(2), dim(3), dim(0), dim(1)}},
    {"v_cache", RW, Activation, false, {dim(2), dim(3), dim(0), dim(1)}},
};

constexpr const char *kQkNormRopeWriteDims[] = {
    "heads", "kv_heads",    "head_dim",  "positions",
    "pages", "page_tokens", "sequences", "pages_per_sequence"};
constexpr Operand kQkNormRopeWrite[] = {
    {"q", R, Activation, false, {rows, dim(0), dim(2)}},
    {"k", R, Activation, false, {rows, dim(1), dim(2)}},
    {"v", R, Activation, false, {rows, dim(1), dim(2)}},
    {"q_weight", R, Weight, false, {dim(2)}},
    {"k_weight", R, Weight, false, {dim(2)}},
    {"position", R, I32, false, {rows}},
    {"sequence", R, I32, false, {rows}},
    {"page_table", R, I32, false, {dim(6), dim(7)}},
    {"cos", R, F32, false, {dim(3), half(2)}},
    {"sin", R, F32, false, {dim(3), half(2)}},
    {"q_out", W, Activation, false, {rows, dim(0), dim(2)}},
    {"k_cache", RW, Activation, false, {dim(4), dim(5), dim(1), dim(2)}},
    {"v_cache", RW, Activation, false, {dim(4), dim(5), dim(1), dim(2)}},
};

// `scratch` holds one partial result a row, head and split of the context
// (head_dim sums, the maximum, the denominator); without it a backend walks the
// splits of a row one after the other. The bits are the same.
constexpr const char *kAttentionDims[] = {
    "heads",     "kv_heads",           "head_dim", "pages",  "page_tokens",
    "sequences", "pages_per_sequence", "splits",   "partial"};
constexpr Operand kAttention[] = {
    {"q", R, Activation, false, {rows, dim(0), dim(2)}},
    {"k_cache", R, Activation, false, {dim(3), dim(4), dim(1), dim(2)}},
    {"v_cache", R, Activation, false, {dim(3), dim(4), dim(1), dim(2)}},
    {"position", R, I32, false, {rows}},
    {"sequence", R, I32, false, {rows}},
    {"page_table", R, I32, false, {dim(5), dim(6)}},
    {"scratch", W, F32, true, {rows, dim(0), dim(7), dim(8)}},
    {"out", W, Activation, false, {rows, dim(0), dim(2)}},
};

constexpr const char *kSoftmaxDims[] = {"width"};
constexpr Operand kSoftmax[] = {
    {"in", R, F32, false, {rows, dim(0)}},
    {"out", W, F32, false, {rows, dim(0)}},
};

// `normalize` is 1 where the chosen weights are divided by their sum.
constexpr const char *kRouteDims[] = {"experts", "top_k", "normalize"};
constexpr Operand kTopK[] = {
    {"probabilities", R, F32, false, {rows, dim(0)}},
    {"ids", W, I32, false, {rows, dim(1)}},
    {"weights", W, F32, false, {rows, dim(1)}},
};
constexpr Operand kRoute[] = {
    {"logits", R, F32, false, {rows, dim(0)}},
    {"ids", W, I32, false, {rows, dim(1)}},
    {"weights", W, F32, false, {rows, dim(1)}},
};

// A residual sum, the norm of it, the logits that a matrix without a bias makes
// of the norm, and the choice by them: add_rms_norm, linear and route.
constexpr const char *kAddNormRouteDims[] = {"hidden", "experts", "top_k",
                                             "normalize"};
constexpr Operand kAddNormRoute[] = {
    {"a", R, Activation, false, {rows, dim(0)}},
    {"b", R, Activation, false, {rows, dim(0)}},
    {"norm_weight", R, Weight, false, {dim(0)}},
    {"router_weight", R, Weight, false, {dim(1), dim(0)}},
    {"sum", W, Activation, false, {rows, dim(0)}},
    {"out", W, Activation, false, {rows, dim(0)}},
    {"logits", W, F32, false, {rows, dim(1)}},
    {"ids", W, I32, false, {rows, dim(2)}},
    {"weights", W, F32, false, {rows, dim(2)}},
};

constexpr const char *kWidthDims[] = {"width"};
constexpr Operand kSwiglu[] = {
    {"gate", R, Activation, false, {rows, dim(0)}},
    {"up", R, Activation, false, {rows, dim(0)}},
    {"out", W, Activation, false, {rows, dim(0)}},
};

// The union of the step's routed experts: `order` holds the (row, rank) pairs
// as row * top_k + rank, sorted by expert and then by pair; expert e has
// order[offsets[e] .. offsets[e + 1]).
constexpr const char *kExpertDemandDims[] = {"experts", "top_k"};
constexpr Operand kExpertDemand[] = {
    {"ids", R, I32, false, {rows, dim(1)}},
    {"offsets", W, I32, false, {plusOne(0)}},
    {"order", W, I32, false, {rows, dim(1)}},
};

// An expert lies in one slot: gate [inner, hidden], up [inner, hidden] and down
// [hidden, inner], each at an element offset inside the slot. Slot s starts at
// element s * slot_elements of `pool`; expert e of the layer is in slot
// slots[e].
constexpr const char *kExpertGateUpDims[] = {
    "experts", "top_k",         "hidden",      "inner",
    "slots",   "slot_elements", "gate_offset", "up_offset"};
constexpr Operand kExpertGateUp[] = {
    {"in", R, Activation, false, {rows, dim(2)}},
    {"offsets", R, I32, false, {plusOne(0)}},
    {"order", R, I32, false, {rows, dim(1)}},
    {"slots", R, I32, false, {dim(0)}},
    {"pool", R, Weight, false, {dim(4), dim(5)}},
    {"inner", W, F32, false, {rows, dim(1), dim(3)}},
};

// Behind these dimensions, dim[7]: the first output that is computed, the ones
// before it keep what `out` holds. 0 in plans.
constexpr const char *kExpertDownDims[] = {
    "experts", "top_k",         "hidden",     "inner",
    "slots",   "slot_elements", "down_offset"};
constexpr Operand kExpertDown[] = {
    {"inner", R, F32, false, {rows, dim(1), dim(3)}},
    {"offsets", R, I32, false, {plusOne(0)}},
    {"order", R, I32, false, {rows, dim(1)}},
    {"slots", R, I32, false, {dim(0)}},
    {"pool", R, Weight, false, {dim(4), dim(5)}},
    {"out", W, F32, false, {rows, dim(1), dim(2)}},
};

// Sums a row's expert outputs in the order of the router's top-k. With
// `results` 1 others have computed some of them: the first shares[pair] outputs
// of a pair are in results, the rest in `in`. With 0 all are in `in`.
constexpr const char *kExpertCombineDims[] = {"top_k", "hidden", "results"};
constexpr Operand kExpertCombine[] = {
    {"in", R, F32, false, {rows, dim(0), dim(1)}},
    {"weights", R, F32, false, {rows, dim(0)}},
    {"out", W, Activation, false, {rows, dim(1)}},
    {"results", R, F32, true, {rows, dim(0), dim(1)}},
    {"shares", R, I32, true, {rows, dim(0)}},
};

// Launched with the logit rows as its rows; `in` has the entry's rows.
constexpr Operand kSelectRows[] = {
    {"in", R, Activation, false, {maxRows, dim(0)}},
    {"row", R, I32, false, {rows}},
    {"out", W, Activation, false, {rows, dim(0)}},
};

// Brings rows of pairs that were computed elsewhere, such as the inner rows of
// an expert that the CPU began; "hidden" is their width. Row r of a launch is
// in[index[r]] to out[index[r]], the other pairs keep what they hold. No pair
// is named twice.
constexpr const char *kExpertScatterDims[] = {"pairs", "hidden"};
constexpr Operand kExpertScatter[] = {
    {"in", R, F32, false, {dim(0), dim(1)}},
    {"index", R, I32, false, {rows}},
    {"out", RW, F32, false, {dim(0), dim(1)}},
};

constexpr std::array<Signature, kKernelCount> kSignatures = {{
    {Kernel::Embed, "embed", kEmbed, kEmbedDims, {}},
    {Kernel::Linear, "linear", kLinear, kLinearDims, {}},
    {Kernel::RmsNorm, "rms_norm", kRmsNorm, kRmsNormDims, kEps},
    {Kernel::Add, "add", kAdd, kHiddenDims, {}},
    {Kernel::AddRmsNorm, "add_rms_norm", kAddRmsNorm, kHiddenDims, kEps},
    {Kernel::Rope, "rope", kRope, kRopeDims, {}},
    {Kernel::KvWrite, "kv_write", kKvWrite, kKvWriteDims, {}},
    {Kernel::QkNormRopeWrite, "qk_norm_rope_write", kQkNormRopeWrite,
     kQkNormRopeWriteDims, kEps},
    {Kernel::Attention, "attention", kAttention, kAttentionDims, kScale},
    {Kernel::Softmax, "softmax", kSoftmax, kSoftmaxDims, {}},
    {Kernel::TopK, "top_k", kTopK, kRouteDims, {}},
    {Kernel::Route, "route", kRoute, kRouteDims, {}},
    {Kernel::Swiglu, "swiglu", kSwiglu, kWidthDims, {}},
    {Kernel::ExpertDemand,
     "expert_demand",
     kExpertDemand,
     kExpertDemandDims,
     {}},
    {Kernel::ExpertGateUp,
     "expert_gate_up",
     kExpertGateUp,
     kExpertGateUpDims,
     {}},
    {Kernel::ExpertDown, "expert_down", kExpertDown, kExpertDownDims, {}},
    {Kernel::ExpertCombine,
     "expert_combine",
     kExpertCombine,
     kExpertCombineDims,
     {}},
    {Kernel::SelectRows, "select_rows", kSelectRows, kHiddenDims, {}},
    {Kernel::ExpertScatter,
     "expert_scatter",
     kExpertScatter,
     kExpertScatterDims,
     {}},
    {Kernel::LinearGroup, "linear_group", kLinearGroup, kLinearGroupDims, {}},
    {Kernel::AddNormRoute, "add_norm_route", kAddNormRoute, kAddNormRouteDims,
     kEps},
}};

constexpr bool inEnumOrder() {
  for (int i = 0; i < kKernelCount; ++i)
    if (static_cast<int>(kSignatures[i].kernel) != i)
      return false;
  return true;
}
static_assert(inEnumOrder(), "findSignature indexes the table by the enum");

} // namespace

const char *name(DType type) {
  constexpr const char *names[] = {"bf16", "f16", "f32", "i32"};
  return names[static_cast<int>(type)];
}

const char *name(Arithmetic arithmetic) {
  return arithmetic == Arithmetic::Portable ? "portable" : "tensor";
}

bool allows(TypeRule rule, DType type) {
  switch (rule) {
  case Activation:
  case Wide:
    return type == DType::BF16 || type == DType::F32;
  case Weight:
    return type != DType::I32;
  case F32:
    return type == DType::F32;
  case I32:
    return type == DType::I32;
  }
  return false;
}

const char *describe(TypeRule rule) {
  switch (rule) {
  case Activation:
  case Wide:
    return "bf16 or f32";
  case Weight:
    return "bf16, f16 or f32";
  case F32:
    return "f32";
  case I32:
    return "i32";
  }
  return "";
}

const Signature *findSignature(Kernel kernel) {
  auto index = static_cast<size_t>(kernel);
  return index < kSignatures.size() ? &kSignatures[index] : nullptr;
}

const Signature *findSignature(std::string_view mnemonic) {
  for (const Signature &signature : kSignatures)
    if (mnemonic == signature.name)
      return &signature;
  return nullptr;
}

bool operandBytes(const Signature &signature, int index, DType type,
                  std::span<const int64_t> dims, int64_t rows, int64_t maxRows,
                  uint64_t &bytes) {
  bytes = byteSize(type);
  for (const Factor &factor : signature.operands[index].shape) {
    int64_t value = 1;
    switch (factor.kind) {
    case Factor::None:
      return true;
    case Factor::Rows:
      value = rows;
      break;
    case Factor::MaxRows:
      value = maxRows;
      break;
    case Factor::Dim:
      if (__builtin_add_overflow(dims[factor.dim] / factor.divisor,
                                 int64_t{factor.extra}, &value))
        return false;
      break;
    }
    if (value < 0 || __builtin_mul_overflow(bytes, uint64_t(value), &bytes))
      return false;
  }
  return true;
}

bool isRequired(const Signature &signature, int index,
                std::span<const int64_t> dims) {
  if (!signature.operands[index].optional)
    return true;
  // The third matrix of a group and its output, where it has outputs.
  constexpr int kWeight2 = 7, kOut2 = 9, kOutputs2 = 3;
  // What others computed of a row's experts.
  constexpr int kResults = 2;
  switch (signature.kernel) {
  case Kernel::LinearGroup:
    return (index == kWeight2 || index == kOut2) && dims[kOutputs2] > 0;
  case Kernel::ExpertCombine:
    return dims[kResults] > 0;
  default:
    return false;
  }
}

const char *checkDims(Kernel kernel, std::span<const int64_t> dims) {
  // Small enough that the products below cannot overflow.
  constexpr int64_t kMaxDim = int64_t{1} << 31;
  for (size_t i = 0; i < dims.size(); ++i) {
    std::string_view dimName = findSignature(kernel)->dims[i];
    bool mayBeZero = dimName == "splits" || dimName == "normalize" ||
                     dimName == "outputs2" || dimName == "results" ||
                     dimName.ends_with("_offset");
    if (dims[i] < 0 || (dims[i] == 0 && !mayBeZero) || dims[i] > kMaxDim)
      return "every dim between 1 and 2^31";
  }
  switch (kernel) {
  case Kernel::Rope:
    return dims[1] % 2 == 0 ? nullptr : "an even head_dim";
  case Kernel::KvWrite:
    return dims[3] * dims[5] > 0 ? nullptr : "pages that hold tokens";
  case Kernel::QkNormRopeWrite:
    if (dims[2] % 2 != 0)
      return "an even head_dim";
    return dims[0] % dims[1] == 0 ? nullptr : "heads a multiple of kv_heads";
  case Kernel::Attention:
    if (dims[8] != dims[2] + 2)
      return "partial equal to head_dim + 2";
    return dims[0] % dims[1] == 0 ? nullptr : "heads a multiple of kv_heads";
  case Kernel::TopK:
  case Kernel::Route:
    if (dims[2] > 1)
      return "normalize 0 or 1";
    [[fallthrough]];
  case Kernel::ExpertDemand:
    return dims[1] <= dims[0] ? nullptr : "top_k at most experts";
  case Kernel::ExpertCombine:
    return dims[2] <= 1 ? nullptr : "results 0 or 1";
  case Kernel::AddNormRoute:
    if (dims[3] > 1)
      return "normalize 0 or 1";
    return dims[2] <= dims[1] ? nullptr : "top_k at most experts";
  case Kernel::ExpertGateUp: {
    int64_t part = dims[2] * dims[3];
    if (dims[1] > dims[0])
      return "top_k at most experts";
    return dims[6] + part <= dims[5] && dims[7] + part <= dims[5]
               ? nullptr
               : "gate and up inside the slot";
  }
  case Kernel::ExpertDown:
    if (dims[1] > dims[0])
      return "top_k at most experts";
    return dims[6] + dims[2] * dims[3] <= dims[5] ? nullptr
                                                  : "down inside the slot";
  default:
    return nullptr;
  }
}

} // namespace sluice
