//===- form_graphs.cpp - Runs of launches that can be captured ------------===//
//
// A run is a stretch of launches and copies on the compute stream that nothing
// interrupts. Events of the compute stream, and what other streams do
// meanwhile, move behind the run: whoever waits for the event waits for more
// than before. What the compute stream waits for itself moves in front of the
// run where it was enqueued before that, as the uploads of a step's inputs are;
// other waits, and what the host does in the middle of a step, end a run.
//
//===----------------------------------------------------------------------===//

#include "compiler/analysis/accesses.h"
#include "compiler/passes/Passes.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/Remarks.h"

#define DEBUG_TYPE "form-graphs"

namespace sluice {
#define GEN_PASS_DEF_FORMGRAPHS
#include "compiler/passes/Passes.h.inc"
} // namespace sluice

using namespace mlir;
using namespace sluice::planir;

namespace sluice {
namespace {

/// A graph of fewer nodes saves nothing.
constexpr size_t kFewestNodes = 2;

/// What a graph may hold.
bool isNode(Operation &op) {
  if (auto launch = dyn_cast<LaunchOp>(op))
    return launch.getStream() == Stream::Compute;
  auto copy = dyn_cast<CopyOp>(op);
  return copy && copy.getStream() == Stream::Compute && !copy.getRecording();
}

/// What may be enqueued later than it stands: events of any stream, and what
/// other streams do.
bool canMoveBack(Operation &op) {
  if (isa<RecordOp>(op))
    return true;
  if (isa<InputOp, OutputOp>(op))
    return true;
  return isa<WaitOp, CopyOp, LaunchOp>(op) && *streamOf(&op) != Stream::Compute;
}

class Former {
public:
  explicit Former(EntryOp entry) : body(entry.getBody().front()) {}

  void run() {
    for (Operation &op : llvm::make_early_inc_range(body)) {
      if (isNode(op))
        nodes.push_back(&op);
      else if (canMoveBack(op) && !nodes.empty())
        others.push_back(&op);
      else if (canMoveFront(op))
        op.moveBefore(nodes.front());
      else
        flush();
    }
    flush();
  }
  int64_t graphs = 0, captured = 0;

private:
  /// A wait that may as well come before the run.
  bool canMoveFront(Operation &op) const {
    auto wait = dyn_cast<WaitOp>(op);
    if (!wait || wait.getStream() != Stream::Compute || nodes.empty())
      return false;
    Operation *record = wait.getEvent().getDefiningOp();
    return record && record->isBeforeInBlock(nodes.front());
  }

  void flush() {
    if (nodes.size() >= kFewestNodes) {
      OpBuilder builder(nodes.front());
      GraphBeginOp::create(builder, nodes.front()->getLoc(), graphs);
      // Only what stands between two nodes has to move.
      Operation *end = nodes.back();
      builder.setInsertionPointAfter(end);
      auto close = GraphEndOp::create(builder, end->getLoc(), graphs);
      Operation *last = close;
      for (Operation *op : others)
        if (op->isBeforeInBlock(close)) {
          op->moveAfter(last);
          last = op;
        }
      captured += nodes.size();
      ++graphs;
    }
    nodes.clear();
    others.clear();
  }

  Block &body;
  SmallVector<Operation *> nodes, others;
};

struct FormGraphs : impl::FormGraphsBase<FormGraphs> {
  using FormGraphsBase::FormGraphsBase;

  void runOnOperation() override {
    for (auto entry : getOperation().getOps<EntryOp>()) {
      Former former(entry);
      former.run();
      remark::passed(entry.getLoc(),
                     remark::RemarkOpts::name("graphs").category(DEBUG_TYPE))
          << remark::metric("entry", entry.getSymName())
          << remark::metric("graphs", former.graphs)
          << remark::metric("nodes", former.captured);
      graphs += former.graphs;
      nodes += former.captured;
    }
  }
};

} // namespace
} // namespace sluice
