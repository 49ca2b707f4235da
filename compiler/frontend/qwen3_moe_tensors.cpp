//===- qwen3_moe_tensors.cpp - Which tensor plays which role --------------===//
//
// The tensors of a checkpoint are sorted by name, so a lookup is a binary
// search and "every tensor exactly once" is one bit a tensor: 57,000 tensors
// bind in some tens of milliseconds.
//
//===----------------------------------------------------------------------===//
#include "compiler/frontend/qwen3_moe_tensors.h"

#include "runtime/core/json.h"

#include <algorithm>
#include <initializer_list>

namespace sluice::frontend {
namespace {

bool isWeightType(StorageType type) {
  return type == StorageType::BF16 || type == StorageType::F16 ||
         type == StorageType::F32;
}

std::string shapeText(const std::vector<int64_t> &shape) {
  const std::string text = describe(StorageType::F32, shape);
  return text.substr(text.find('['));
}

class Binder {
public:
  Binder(const Checkpoint &checkpoint, const Qwen3MoeConfig &config)
      : checkpoint(checkpoint), config(config),
        used(checkpoint.tensors.size(), false) {}

  Result<Qwen3MoeTensors> run();

private:
  using Shape = std::vector<int64_t>;

  /// The tensor `name`, marked as used, with its shape and dtype checked.
  Result<const CheckpointTensor *> take(const std::string &name,
                                        const Shape &shape);
  Status takeInto(const CheckpointTensor *&slot, const std::string &name,
                  const Shape &shape) {
    SLUICE_ASSIGN_OR_RETURN(slot, take(name, shape));
    return Status::ok();
  }

  Status bindLayer(int64_t layer, LayerTensors &tensors);
  Status bindAttention(const std::string &prefix, LayerTensors &tensors);
  Status bindDense(const std::string &prefix, LayerTensors &tensors);
  Status bindExperts(const std::string &prefix, LayerTensors &tensors);
  Status bindFusedExperts(ExpertBank &bank);
  Status bindSingleExperts(ExpertBank &bank);
  Status bindHead(Qwen3MoeTensors &tensors);
  Status refuseUnused();
  /// Refuses gate_up_proj as [experts, hidden, 2 * inner] (and its down_proj),
  /// the layout of models that multiply from the other side.
  Status refuseTransposed(const std::string &name, const Shape &shape);
  /// `tensor` joins a bank: all its tensors must have one dtype.
  Status joinBank(ExpertBank &bank, bool first, const CheckpointTensor &tensor);

  std::string where(const CheckpointTensor &tensor) const {
    return checkpoint.directory + "/" + checkpoint.files[tensor.file].path +
           ": tensor " + inQuotes(tensor.name);
  }

  const Checkpoint &checkpoint;
  const Qwen3MoeConfig &config;
  std::vector<bool> used;
  uint64_t parameters = 0;
};

Result<const CheckpointTensor *> Binder::take(const std::string &name,
                                              const Shape &shape) {
  const CheckpointTensor *tensor = checkpoint.find(name);
  if (!tensor)
    return Status(ErrorCode::NotFound,
                  checkpoint.directory + ": tensor " + inQuotes(name) +
                      " is missing, expected one of shape " + shapeText(shape));
  if (!isWeightType(tensor->dtype))
    return Status(ErrorCode::Unsupported, where(*tensor) + ": found dtype " +
                                              sluice::name(tensor->dtype) +
                                              ", expected BF16, F16 or F32");
  if (tensor->shape != shape)
    return Status(ErrorCode::Corrupt,
                  where(*tensor) + ": found shape " + shapeText(tensor->shape) +
                      ", expected " + shapeText(shape) + " from config.json");
  used[tensor - checkpoint.tensors.data()] = true;
  parameters += tensor->bytes / byteSize(tensor->dtype);
  return tensor;
}

Status Binder::bindAttention(const std::string &prefix, LayerTensors &tensors) {
  const int64_t hidden = config.hidden;
  const int64_t qWidth = config.heads * config.headDim;
  const int64_t kvWidth = config.kvHeads * config.headDim;
  struct Projection {
    const char *name;
    int64_t out, in;
    const CheckpointTensor *&weight;
    const CheckpointTensor *&bias;
  };
  const Projection projections[] = {
      {"q_proj", qWidth, hidden, tensors.q, tensors.qBias},
      {"k_proj", kvWidth, hidden, tensors.k, tensors.kBias},
      {"v_proj", kvWidth, hidden, tensors.v, tensors.vBias},
      {"o_proj", hidden, qWidth, tensors.o, tensors.oBias}};
  for (const Projection &projection : projections) {
    const std::string name = prefix + "self_attn." + projection.name;
    SLUICE_RETURN_IF_ERROR(takeInto(projection.weight, name + ".weight",
                                    {projection.out, projection.in}));
    if (config.attentionBias)
      SLUICE_RETURN_IF_ERROR(
          takeInto(projection.bias, name + ".bias", {projection.out}));
  }
  SLUICE_RETURN_IF_ERROR(takeInto(
      tensors.qNorm, prefix + "self_attn.q_norm.weight", {config.headDim}));
  return takeInto(tensors.kNorm, prefix + "self_attn.k_norm.weight",
                  {config.headDim});
}

Status Binder::bindDense(const std::string &prefix, LayerTensors &tensors) {
  const Shape in = {config.denseInner, config.hidden};
  const Shape out = {config.hidden, config.denseInner};
  SLUICE_RETURN_IF_ERROR(
      takeInto(tensors.gate, prefix + "mlp.gate_proj.weight", in));
  SLUICE_RETURN_IF_ERROR(
      takeInto(tensors.up, prefix + "mlp.up_proj.weight", in));
  return takeInto(tensors.down, prefix + "mlp.down_proj.weight", out);
}

Status Binder::joinBank(ExpertBank &bank, bool first,
                        const CheckpointTensor &tensor) {
  if (first)
    bank.dtype = tensor.dtype;
  if (bank.dtype != tensor.dtype)
    return Status(ErrorCode::Unsupported, where(tensor) + ": found dtype " +
                                              sluice::name(tensor.dtype) +
                                              ", expected " +
                                              sluice::name(bank.dtype) +
                                              " as the layer's other experts");
  return Status::ok();
}

Status Binder::refuseTransposed(const std::string &name, const Shape &shape) {
  const CheckpointTensor *tensor = checkpoint.find(name);
  const Shape swapped = {shape[0], shape[2], shape[1]};
  if (!tensor || tensor->shape == shape || tensor->shape != swapped)
    return Status::ok();
  return Status(ErrorCode::Unsupported,
                where(*tensor) + ": found shape " + shapeText(tensor->shape) +
                    ", the transposed expert layout, expected " +
                    shapeText(shape));
}

Status Binder::bindFusedExperts(ExpertBank &bank) {
  const int64_t experts = config.experts, inner = config.expertInner;
  const std::string gateUpName = bank.tensor + ".gate_up_proj";
  const std::string downName = bank.tensor + ".down_proj";
  const Shape gateUpShape = {experts, 2 * inner, config.hidden};
  const Shape downShape = {experts, config.hidden, inner};
  SLUICE_RETURN_IF_ERROR(refuseTransposed(gateUpName, gateUpShape));
  SLUICE_RETURN_IF_ERROR(refuseTransposed(downName, downShape));
  SLUICE_ASSIGN_OR_RETURN(const CheckpointTensor *gateUp,
                          take(gateUpName, gateUpShape));
  SLUICE_ASSIGN_OR_RETURN(const CheckpointTensor *down,
                          take(downName, downShape));
  SLUICE_RETURN_IF_ERROR(joinBank(bank, true, *gateUp));
  SLUICE_RETURN_IF_ERROR(joinBank(bank, false, *down));
  // Sizes were checked against the file when its header was read: the
  // products stay below the size of the file.
  const uint64_t part = down->bytes / static_cast<uint64_t>(experts);
  for (int64_t expert = 0; expert < experts; ++expert) {
    const uint64_t gate = gateUp->offset + 2 * part * expert;
    bank.experts[expert] = {{gateUp->file, gate, part},
                            {gateUp->file, gate + part, part},
                            {down->file, down->offset + part * expert, part}};
  }
  return Status::ok();
}

Status Binder::bindSingleExperts(ExpertBank &bank) {
  const Shape in = {config.expertInner, config.hidden};
  const Shape out = {config.hidden, config.expertInner};
  for (int64_t expert = 0; expert < config.experts; ++expert) {
    const std::string name = bank.tensor + "." + std::to_string(expert);
    ExpertRanges &ranges = bank.experts[expert];
    struct Part {
      const char *name;
      const Shape &shape;
      FileRange &range;
    };
    const Part parts[] = {{".gate_proj.weight", in, ranges.gate},
                          {".up_proj.weight", in, ranges.up},
                          {".down_proj.weight", out, ranges.down}};
    for (const Part &part : parts) {
      SLUICE_ASSIGN_OR_RETURN(const CheckpointTensor *tensor,
                              take(name + part.name, part.shape));
      SLUICE_RETURN_IF_ERROR(
          joinBank(bank, expert == 0 && &part == parts, *tensor));
      part.range = {tensor->file, tensor->offset, tensor->bytes};
    }
  }
  return Status::ok();
}

Status Binder::bindExperts(const std::string &prefix, LayerTensors &tensors) {
  SLUICE_RETURN_IF_ERROR(takeInto(tensors.router, prefix + "mlp.gate.weight",
                                  {config.experts, config.hidden}));
  ExpertBank &bank = tensors.bank;
  bank.tensor = prefix + "mlp.experts";
  bank.experts.resize(config.experts);
  if (checkpoint.find(bank.tensor + ".gate_up_proj"))
    return bindFusedExperts(bank);
  return bindSingleExperts(bank);
}

Status Binder::bindLayer(int64_t layer, LayerTensors &tensors) {
  const std::string prefix = "model.layers." + std::to_string(layer) + ".";
  SLUICE_RETURN_IF_ERROR(takeInto(
      tensors.inputNorm, prefix + "input_layernorm.weight", {config.hidden}));
  SLUICE_RETURN_IF_ERROR(takeInto(tensors.postAttentionNorm,
                                  prefix + "post_attention_layernorm.weight",
                                  {config.hidden}));
  SLUICE_RETURN_IF_ERROR(bindAttention(prefix, tensors));
  return config.sparse[layer] ? bindExperts(prefix, tensors)
                              : bindDense(prefix, tensors);
}

Status Binder::bindHead(Qwen3MoeTensors &tensors) {
  const Shape shape = {config.vocab, config.hidden};
  const std::string name = "lm_head.weight";
  if (!config.tiedEmbeddings)
    return takeInto(tensors.head, name, shape);
  tensors.head = tensors.embedding;
  if (checkpoint.find(name)) {
    const uint64_t before = parameters;
    SLUICE_ASSIGN_OR_RETURN(const CheckpointTensor *copy, take(name, shape));
    parameters = before; // Not in use.
    tensors.ignored.push_back(copy);
  }
  return Status::ok();
}

Status Binder::refuseUnused() {
  const auto unused = std::find(used.begin(), used.end(), false);
  if (unused == used.end())
    return Status::ok();
  const auto count = std::count(used.begin(), used.end(), false);
  const CheckpointTensor &tensor = checkpoint.tensors[unused - used.begin()];
  return Status(ErrorCode::Unsupported,
                where(tensor) + " (" + describe(tensor.dtype, tensor.shape) +
                    (count > 1
                         ? ") and " + std::to_string(count - 1) + " more have"
                         : ") has") +
                    " no place in the model, expected the tensors that "
                    "config.json describes");
}

Result<Qwen3MoeTensors> Binder::run() {
  Qwen3MoeTensors tensors;
  SLUICE_RETURN_IF_ERROR(takeInto(tensors.embedding,
                                  "model.embed_tokens.weight",
                                  {config.vocab, config.hidden}));
  tensors.layers.resize(config.layers);
  for (int64_t layer = 0; layer < config.layers; ++layer)
    SLUICE_RETURN_IF_ERROR(bindLayer(layer, tensors.layers[layer]));
  SLUICE_RETURN_IF_ERROR(
      takeInto(tensors.finalNorm, "model.norm.weight", {config.hidden}));
  SLUICE_RETURN_IF_ERROR(bindHead(tensors));
  SLUICE_RETURN_IF_ERROR(refuseUnused());
  tensors.parameters = parameters;
  return tensors;
}

} // namespace

Result<Qwen3MoeTensors> Qwen3MoeTensors::bind(const Checkpoint &checkpoint,
                                              const Qwen3MoeConfig &config) {
  return Binder(checkpoint, config).run();
}

} // namespace sluice::frontend
