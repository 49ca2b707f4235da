//===- import.cpp - A model directory as llm IR ---------------------------===//

#include "compiler/pipeline/import.h"

#include "models/qwen3_moe/qwen3_moe.h"

namespace sluice {

Result<ImportedModel> importModel(mlir::MLIRContext &context,
                                  const std::string &directory,
                                  const CompileOptions &options) {
  using namespace frontend;
  // One family so far: its configuration refuses other architectures by name.
  SLUICE_ASSIGN_OR_RETURN(Checkpoint checkpoint, Checkpoint::open(directory));
  SLUICE_ASSIGN_OR_RETURN(Qwen3MoeConfig config,
                          Qwen3MoeConfig::parse(checkpoint));
  SLUICE_ASSIGN_OR_RETURN(Qwen3MoeTensors tensors,
                          Qwen3MoeTensors::bind(checkpoint, config));
  ImportedModel model;
  SLUICE_ASSIGN_OR_RETURN(
      model.module,
      models::buildQwen3Moe(context, checkpoint, config, tensors, options));
  for (const CheckpointTensor *tensor : tensors.ignored)
    model.remarks.push_back(checkpoint.files[tensor->file].path + ": " +
                            tensor->name +
                            " is not used: the embeddings are tied");
  return model;
}

} // namespace sluice
