//===- cases.cpp - Random launches of every kernel ------------------------===//

#include "tests/kernels/cases.h"

#include "kernels/convert.h"
#include "kernels/portable_math.h"
#include "tests/kernels/random.h"

#include <algorithm>
#include <cassert>
#include <cstring>
#include <numeric>

namespace sluice::test {
namespace {

/// Makes one case: sizes, then types, then contents.
class Maker {
public:
  Maker(Case &made, const CaseOptions &options)
      : made(made), options(options),
        random(made.seed * 64 + static_cast<uint64_t>(made.kernel)),
        signature(*findSignature(made.kernel)) {}

  void make() {
    made.rows = options.rows != 0 ? options.rows : random.between(1, 40);
    made.args.maxRows = made.rows + random.between(0, 5);
    chooseDims();
    chooseTypes();
    made.image.resize(signature.operands.size());
    for (size_t i = 0; i < signature.operands.size(); ++i)
      allocate(static_cast<int>(i));
    makeIds();
    for (size_t i = 0; i < signature.operands.size(); ++i)
      if (signature.operands[i].access != Access::Write &&
          made.args.dtype[i] != DType::I32)
        fillFloats(static_cast<int>(i));
    hideUnused();
    for (size_t i = 0; i < signature.scalars.size(); ++i)
      made.args.scalar[i] =
          signature.scalars[i] == std::string_view("eps") ? 1e-6f : 0.3f;
    if (made.seed % 3 == 2)
      leaveOut();
  }

private:
  /// What the dimensions behind the signature's leave out of the results.
  void leaveOut() {
    int64_t *behind = made.args.dim + signature.dims.size();
    if (made.kernel == Kernel::ExpertDown) {
      *behind = random.between(0, dim("hidden") - 1);
      if (options.tensor)
        *behind = *behind / 2 * 2;
      fillFloats(operandIndex("out")); // It keeps some of them.
    }
  }

  /// A width of something that is summed over or written along.
  int64_t width(int64_t limit) {
    if (options.tensor)
      return 8 * random.between(1, std::max<int64_t>(1, limit / 8));
    if (random.oneIn(4))
      return random.between(1, limit);
    return std::min(limit,
                    random.pick({1,   2,   7,   8,   9,    17,   31,  32,  40,
                                 63,  64,  65,  96,  128,  255,  256, 257, 300,
                                 511, 512, 520, 768, 1000, 1024, 2048}));
  }
  int64_t &dim(int index) { return made.args.dim[index]; }
  int64_t dim(const char *name) const { return made.args.dim[find(name)]; }
  int find(const char *name) const {
    for (size_t i = 0; i < signature.dims.size(); ++i)
      if (std::string_view(signature.dims[i]) == name)
        return static_cast<int>(i);
    return -1;
  }

  void chooseDims() {
    int64_t headDim = options.tensor
                          ? 8 * random.between(1, 16)
                          : 2 * random.pick({1, 4, 5, 8, 16, 20, 32, 64, 65});
    int64_t kvHeads = random.between(1, 4);
    int64_t heads = kvHeads * random.pick({1, 1, 2, 3, 8});
    int64_t sequences = random.between(1, 5);
    int64_t pageTokens = random.oneIn(3) ? random.pick({1, 5, 8}) : 16;
    // Most contexts within one split, some over three.
    int64_t positions =
        random.oneIn(3) ? random.between(500, 800) : random.between(1, 300);
    int64_t perSequence = (positions + pageTokens - 1) / pageTokens;
    if (made.kernel == Kernel::KvWrite ||
        made.kernel == Kernel::QkNormRopeWrite)
      // Rows must not write to one cell twice.
      perSequence = std::max(perSequence, made.rows);
    int64_t pages = sequences * perSequence + random.between(0, 3);
    int64_t experts =
        random.oneIn(8) ? random.between(200, 512) : random.between(1, 64);
    int64_t topK = std::min(experts, random.between(1, 10));

    for (size_t i = 0; i < signature.dims.size(); ++i) {
      std::string_view name = signature.dims[i];
      int64_t &value = dim(static_cast<int>(i));
      if (name == "vocab")
        value = random.between(1, 300);
      else if (name == "inputs")
        value = width(2048);
      else if (name == "outputs2" && random.oneIn(4))
        value = 0; // a group of two
      else if (name.starts_with("outputs"))
        value = width(dim("inputs") > 600 ? 72 : 520);
      else if (name == "hidden")
        value = width(520);
      else if (name == "groups")
        value = random.between(1, 6);
      else if (name == "width")
        value = width(1024);
      else if (name == "inner")
        value = width(96);
      else if (name == "heads")
        value = heads;
      else if (name == "kv_heads")
        value = kvHeads;
      else if (name == "head_dim")
        value = headDim;
      else if (name == "positions")
        value = perSequence * pageTokens;
      else if (name == "pages")
        value = pages;
      else if (name == "page_tokens")
        value = pageTokens;
      else if (name == "sequences")
        value = sequences;
      else if (name == "pages_per_sequence")
        value = perSequence;
      else if (name == "splits")
        value =
            (perSequence * pageTokens + kAttentionSplit - 1) / kAttentionSplit;
      else if (name == "partial")
        value = headDim + 2;
      else if (name == "experts")
        value = experts;
      else if (name == "top_k")
        value = topK;
      else if (name == "normalize" || name == "results")
        value = random.between(0, 1);
      else if (name == "pairs")
        value = made.rows + random.between(0, 20);
      else if (name == "slots")
        value = experts + random.between(0, 2);
    }
    for (const auto &[name, value] : options.dims)
      for (size_t i = 0; i < signature.dims.size(); ++i)
        if (signature.dims[i] == name)
          dim(static_cast<int>(i)) = value;
    chooseSlot();
    assert(checkDims(made.kernel, {made.args.dim, signature.dims.size()}) ==
           nullptr);
  }

  /// Where an expert's matrices lie inside its slot.
  void chooseSlot() {
    if (find("slot_elements") < 0)
      return;
    // Many experts: narrow ones, to keep the pool small.
    if (dim("experts") > 64)
      dim(find("hidden")) = 8 * random.between(1, 8);
    int64_t part = dim("hidden") * dim("inner"), at = 0;
    auto gap = [&] { return options.tensor ? 8 : random.pick({0, 0, 1, 8}); };
    for (const char *name : {"gate_offset", "up_offset", "down_offset"}) {
      if (find(name) < 0)
        continue;
      at += gap();
      dim(find(name)) = at;
      at += part;
    }
    dim(find("slot_elements")) = at + gap();
  }

  void chooseTypes() {
    auto activation = random.oneIn(2) ? DType::BF16 : DType::F32;
    for (size_t i = 0; i < signature.operands.size(); ++i) {
      DType &type = made.args.dtype[i];
      const std::string_view name = signature.operands[i].name;
      constexpr DType weights[] = {DType::BF16, DType::BF16, DType::F16,
                                   DType::F32};
      switch (signature.operands[i].type) {
      case TypeRule::Activation:
        type = options.tensor ? DType::BF16 : activation;
        break;
      case TypeRule::Weight:
        type = options.tensor ? DType::BF16 : weights[random.between(0, 3)];
        // The matrices of a group mostly are alike.
        if (made.kernel == Kernel::LinearGroup && isMatrix(i) &&
            !random.oneIn(6))
          type = made.args.dtype[operandIndex("weight0")];
        // So are a norm's and its router's.
        if (name == "router_weight" && !random.oneIn(6))
          type = made.args.dtype[operandIndex("norm_weight")];
        break;
      case TypeRule::Wide:
        type = random.oneIn(2) && (!options.tensor || i > 0) ? DType::F32
                                                             : DType::BF16;
        break;
      case TypeRule::F32:
        type = DType::F32;
        break;
      case TypeRule::I32:
        type = DType::I32;
        break;
      }
    }
  }

  void allocate(int index) {
    const Operand &operand = signature.operands[index];
    if (operand.optional &&
        !isRequired(signature, index, {made.args.dim, signature.dims.size()}) &&
        random.oneIn(2))
      return;
    uint64_t bytes = 0;
    bool fits = operandBytes(signature, index, made.args.dtype[index],
                             {made.args.dim, signature.dims.size()}, made.rows,
                             made.args.maxRows, bytes);
    assert(fits && bytes < (uint64_t{1} << 30));
    (void)fits;
    made.image[index].resize(bytes);
    poison(made.image[index]);
  }

  /// Of a linear_group.
  bool isMatrix(size_t index) const {
    std::string_view name = signature.operands[index].name;
    return name == "weight0" || name == "weight1" || name == "weight2";
  }
  int operandIndex(const char *name) const {
    for (size_t i = 0; i < signature.operands.size(); ++i)
      if (std::string_view(signature.operands[i].name) == name)
        return static_cast<int>(i);
    return -1;
  }
  std::span<int32_t> ints(const char *name) {
    int index = operandIndex(name);
    if (index < 0)
      return {};
    return {reinterpret_cast<int32_t *>(made.image[index].data()),
            made.image[index].size() / 4};
  }

  void makeIds() {
    for (int32_t &token : ints("tokens"))
      token = static_cast<int32_t>(random.between(0, dim("vocab") - 1));
    for (int32_t &row : ints("row"))
      row = static_cast<int32_t>(random.between(0, made.args.maxRows - 1));
    if (made.kernel == Kernel::ExpertScatter)
      makeIndex();
    for (int32_t &share : ints("shares"))
      share = random.oneIn(3) ? 0
              : random.oneIn(2)
                  ? static_cast<int32_t>(dim("hidden"))
                  : static_cast<int32_t>(random.between(0, dim("hidden")));
    if (find("pages_per_sequence") >= 0)
      makePages();
    else
      for (int32_t &position : ints("position"))
        position =
            static_cast<int32_t>(random.between(0, dim("positions") - 1));
    if (find("experts") >= 0 && find("top_k") >= 0)
      makeRouting();
  }

  /// Distinct places, in any order.
  void makeIndex() {
    std::vector<int32_t> places(dim("pairs"));
    std::iota(places.begin(), places.end(), 0);
    for (size_t i = places.size(); i > 1; --i)
      std::swap(places[i - 1], places[random.between(0, i - 1)]);
    auto index = ints("index");
    std::copy_n(places.begin(), index.size(), index.begin());
  }

  void makePages() {
    auto position = ints("position"), sequence = ints("sequence");
    auto table = ints("page_table");
    int64_t perSequence = dim("pages_per_sequence");
    int64_t context = perSequence * dim("page_tokens");
    std::vector<int64_t> reach(dim("sequences"), 0);
    std::vector<bool> taken(dim("sequences") * context, false);
    for (int64_t row = 0; row < made.rows; ++row) {
      int64_t s = 0, p = 0;
      do {
        s = random.between(0, dim("sequences") - 1);
        p = random.oneIn(4)
                ? std::min(context - 1,
                           random.pick({0, 254, 255, 256, 257, 511}))
                : random.between(0, context - 1);
      } while (made.kernel != Kernel::Attention && taken[s * context + p] &&
               (p = random.between(0, context - 1), taken[s * context + p]));
      taken[s * context + p] = true;
      sequence[row] = static_cast<int32_t>(s);
      position[row] = static_cast<int32_t>(p);
      reach[s] = std::max(reach[s], p + 1);
    }
    std::vector<int32_t> pages(dim("pages"));
    std::iota(pages.begin(), pages.end(), 0);
    for (size_t i = pages.size(); i > 1; --i)
      std::swap(pages[i - 1], pages[random.between(0, i - 1)]);
    // Entries past a sequence's reach keep their poison.
    for (int64_t s = 0; s < dim("sequences"); ++s)
      for (int64_t i = 0; i * dim("page_tokens") < reach[s]; ++i)
        table[s * perSequence + i] = pages[s * perSequence + i];
  }

  void makeRouting() {
    int64_t experts = dim("experts"), topK = dim("top_k");
    made.ids.resize(made.rows * topK);
    std::vector<int32_t> all(experts);
    std::iota(all.begin(), all.end(), 0);
    // Often few experts share all tokens.
    int64_t favoured = random.oneIn(2) ? experts : std::min(experts, topK + 1);
    for (int64_t row = 0; row < made.rows; ++row)
      for (int64_t rank = 0; rank < topK; ++rank) {
        std::swap(all[rank], all[random.between(rank, favoured - 1)]);
        made.ids[row * topK + rank] = all[rank];
      }
    if (made.kernel == Kernel::ExpertDemand)
      std::copy(made.ids.begin(), made.ids.end(), ints("ids").begin());
    if (find("slot_elements") < 0)
      return;
    placeRouting(made);
    std::vector<int32_t> slots(dim("slots"));
    std::iota(slots.begin(), slots.end(), 0);
    for (size_t i = slots.size(); i > 1; --i)
      std::swap(slots[i - 1], slots[random.between(0, i - 1)]);
    // Experts that no token uses keep a poisoned slot.
    for (int32_t id : made.ids)
      ints("slots")[id] = slots[id];
  }

public:
  /// Writes offsets and order of made.ids into the images.
  static void placeRouting(Case &made) {
    std::vector<int32_t> offsets, order;
    sortByExpert(made.ids, made.args.dim[0], offsets, order);
    made.image[1].resize(offsets.size() * 4);
    made.image[2].resize(order.size() * 4);
    std::memcpy(made.image[1].data(), offsets.data(), offsets.size() * 4);
    std::memcpy(made.image[2].data(), order.data(), order.size() * 4);
  }

private:
  void set(int index, int64_t element, float value) {
    std::byte *data = made.image[index].data();
    switch (made.args.dtype[index]) {
    case DType::BF16:
      reinterpret_cast<Bf16 *>(data)[element] = toBf16(value);
      break;
    case DType::F16:
      reinterpret_cast<Half *>(data)[element] = toHalf(value);
      break;
    default:
      reinterpret_cast<float *>(data)[element] = value;
    }
  }

  void fillFloats(int index) {
    std::string_view name = signature.operands[index].name;
    int64_t count = static_cast<int64_t>(made.image[index].size() /
                                         byteSize(made.args.dtype[index]));
    bool isWeight = name == "weight" || name == "pool" || isMatrix(index) ||
                    name == "norm_weight" || name == "router_weight";
    bool isRouter = name == "logits" || name == "probabilities";
    bool isRotation = name == "cos" || name == "sin";
    bool isPositive = name == "probabilities";
    // Coarse values make ties, whose order must be the smaller id.
    bool coarse = isRouter && random.oneIn(3);
    for (int64_t i = 0; i < count; ++i) {
      float value = random.normal();
      if (isRotation)
        value = random.uniform() * 2 - 1;
      else if (isWeight)
        value *= 0.2f;
      else if (coarse)
        value = static_cast<float>(random.between(0, 3));
      else if (isRouter)
        value *= 4;
      if (isPositive)
        value = std::abs(value);
      // A few that stand out, as activations have them.
      if (random.oneIn(200))
        value *= 16;
      if (random.oneIn(100))
        value = 0;
      set(index, i, value);
    }
    if (name == "router_weight" && random.oneIn(3))
      pairRows(index, dim("hidden"));
  }

  /// Makes every second row of a matrix that of the row in front of it: two
  /// experts between which nothing decides but their ids.
  void pairRows(int index, int64_t width) {
    const auto bytes =
        static_cast<ptrdiff_t>(width * byteSize(made.args.dtype[index]));
    auto begin = made.image[index].begin(), end = made.image[index].end();
    for (; end - begin >= 2 * bytes; begin += 2 * bytes)
      std::copy_n(begin, bytes, begin + bytes);
  }

  /// Poisons cells of caches that no row reaches, and slots of no expert.
  void hideUnused() {
    if (made.kernel == Kernel::Attention)
      for (int cache : {1, 2})
        hideCells(cache);
    int pool = operandIndex("pool");
    if (pool < 0)
      return;
    std::vector<bool> used(dim("slots"), false);
    for (int32_t id : made.ids)
      used[ints("slots")[id]] = true;
    size_t bytes = dim("slot_elements") * byteSize(made.args.dtype[pool]);
    for (size_t slot = 0; slot < used.size(); ++slot)
      if (!used[slot])
        poison(std::span(made.image[pool]).subspan(slot * bytes, bytes));
  }

  void hideCells(int cache) {
    int64_t pageTokens = dim("page_tokens");
    std::vector<bool> used(dim("pages") * pageTokens, false);
    auto position = ints("position"), sequence = ints("sequence");
    auto table = ints("page_table");
    for (int64_t row = 0; row < made.rows; ++row)
      for (int64_t p = 0; p <= position[row]; ++p) {
        int64_t entry = sequence[row] * dim("pages_per_sequence");
        used[table[entry + p / pageTokens] * pageTokens + p % pageTokens] =
            true;
      }
    size_t bytes =
        dim("kv_heads") * dim("head_dim") * byteSize(made.args.dtype[cache]);
    for (size_t cell = 0; cell < used.size(); ++cell)
      if (!used[cell])
        poison(std::span(made.image[cache]).subspan(cell * bytes, bytes));
  }

  Case &made;
  const CaseOptions &options;
  Random random;
  const Signature &signature;
};

} // namespace

Case makeCase(Kernel kernel, uint64_t seed, const CaseOptions &options) {
  Case made;
  made.kernel = kernel;
  made.seed = seed;
  Maker(made, options).make();
  return made;
}

Case rowCase(const Case &all, int64_t row) {
  Case one = all;
  one.rows = 1;
  const Signature &signature = all.signature();
  for (size_t i = 0; i < signature.operands.size(); ++i) {
    if (signature.operands[i].shape[0].kind != Factor::Rows)
      continue;
    size_t bytes = all.image[i].size() / all.rows;
    auto first = all.image[i].begin() + row * bytes;
    one.image[i].assign(first, first + bytes);
  }
  if (!all.ids.empty()) {
    size_t topK = all.ids.size() / all.rows;
    auto first = all.ids.begin() + row * topK;
    one.ids.assign(first, first + topK);
    if (all.kernel == Kernel::ExpertGateUp || all.kernel == Kernel::ExpertDown)
      Maker::placeRouting(one);
  }
  return one;
}

} // namespace sluice::test
