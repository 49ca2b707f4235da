//===- entry_lowering.h - One entry point as launches -----------*- C++ -*-===//
//
// Used by lower-to-plan: turns the tensor ops of one function into launches on
// buffers. Every tensor becomes a workspace buffer of its own, everything is on
// the compute stream; assign-streams and plan-memory do better.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "compiler/passes/plan_builder.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/ADT/StringMap.h"

namespace sluice {

class EntryLowering {
public:
  /// `portable` keeps all launches in the portable class.
  EntryLowering(PlanBuilder &plan, mlir::func::FuncOp function, bool portable);

  /// Appends the entry to the module of `function`; fails after an error.
  mlir::LogicalResult run();

private:
  using Value = mlir::Value;
  /// What a tensor became: a buffer and the rows it has.
  struct Tensor {
    Value buffer;
    planir::Rows rows = planir::Rows::Fixed;
  };
  /// The union of a step's experts, as expert_demand leaves it.
  struct Demand {
    Value offsets, order;
  };

  mlir::LogicalResult lowerInputs();
  mlir::LogicalResult lowerOutputs(Value value);
  /// Fails where an op mixes the step's rows with those of its logits.
  mlir::LogicalResult checkRows(mlir::Operation *op);
  mlir::LogicalResult lower(mlir::Operation *op);
  void lower(llm::EmbedOp op);
  void lower(llm::LinearOp op);
  void lower(llm::LinearGroupOp op);
  void lower(llm::RmsNormOp op);
  void lower(llm::AddOp op);
  void lower(llm::AddRmsNormOp op);
  void lower(llm::AddNormRouteOp op);
  void lower(llm::RopeOp op);
  void lower(llm::KvWriteOp op);
  void lower(llm::QkNormRopeWriteOp op);
  void lower(llm::AttentionOp op);
  void lower(llm::SoftmaxOp op);
  void lower(llm::SwigluOp op);
  void lower(llm::SelectRowsOp op);
  void lower(expert::DemandOp op);
  void lower(expert::RunOp op);
  void lower(expert::CombineOp op);
  // Experts that move: entry_lowering_experts.cpp.
  void lowerMoving(expert::DemandOp op, mlir::FlatSymbolRefAttr pool);
  void lowerMoving(expert::RunOp op);
  void lower(expert::SplitOp op);
  void lower(expert::FetchOp op);
  void lower(expert::RunHostOp op);
  void lower(expert::ReleaseOp op);
  void lower(expert::PrefetchOp op);
  /// Fails where an op acts on experts that were not demanded.
  mlir::LogicalResult checkExperts(mlir::Operation *op);
  /// Joins what the CPU has computed.
  void join(expert::RunHostOp op, Value staged, Value shares);
  template <typename Choice> void lowerChoice(Choice op, const char *kernel);

  /// The rows of a tensor, or those behind a set or outputs.
  planir::Rows rowsOf(Value value);
  /// The tensor class for a bank's experts on rows of this type.
  bool tensorExperts(llm::ExpertBankOp bank, mlir::Type activation,
                     planir::Rows rows);
  /// What parts of one layer's sum share on the device.
  struct Outputs {
    Value inner, outputs, tables;
  };
  Outputs &outputsOf(expert::RunOp run);
  /// A host buffer of the entry that all layers use in turn: the host's wait
  /// for a layer's ids lies between two uses.
  Value shared(const llvm::Twine &name, int64_t elements, mlir::Type dtype,
               planir::Rows rows);

  Tensor tensor(Value value) const { return tensors.lookup(value); }
  /// A workspace buffer for a result of the op that is being lowered.
  Value result(Value value, planir::Rows rows, const char *suffix = "");
  /// A workspace buffer of `elements` elements, a row where `rows` says so;
  /// `elements` may come from saturatingBytes.
  Value workspace(const llvm::Twine &name, int64_t elements, mlir::Type dtype,
                  planir::Rows rows);
  void launch(const char *kernel, llvm::ArrayRef<Value> operands,
              llvm::ArrayRef<int64_t> dims, planir::Rows rows,
              llvm::ArrayRef<float> scalars = {}, bool tensorCores = false);
  /// Design section 7: wide launches use the tensor cores where types and sizes
  /// allow. Expert layers and attention only do so in prefill.
  bool wide(planir::Rows rows);
  bool isPrefill() { return entry.getSymName() == "prefill"; }

  /// The place in the model of the op that is being lowered, for names.
  std::string place();

  PlanBuilder &plan;
  mlir::func::FuncOp function;
  bool portable;
  planir::EntryOp entry;
  mlir::OpBuilder builder;
  mlir::Location loc;
  llvm::DenseMap<Value, Tensor> tensors;
  llvm::DenseMap<Value, Demand> demands;
  /// Results of the function by the value they return.
  llvm::DenseMap<Value, llvm::SmallVector<unsigned, 1>> returned;
  /// Routing whose copies for recording wait until the demand is enqueued.
  llvm::SmallVector<Value> postponed;
  bool moving = false; ///< Some experts move in this function.
  /// Outputs by the sum that they go into.
  llvm::DenseMap<mlir::Operation *, Outputs> sums;
  llvm::StringMap<Value> sharedBuffers;
  llvm::DenseMap<Value, Value> idsOnHost; ///< By ids.
  llvm::DenseMap<Value, Value> hostRows;  ///< Rows on the host, by tensor.
};

} // namespace sluice
