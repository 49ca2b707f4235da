//===- export.cpp - From plan IR to the bytes of a plan -------------------===//

#include "compiler/export/export.h"

#include "dialects/plan/PlanIr.h"
#include "runtime/io/fingerprint.h"
#include "runtime/plan/plan_generated.h"
#include "runtime/plan/version.h"

#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
namespace fb = sluice::plan::fb;
namespace flat = flatbuffers;

namespace sluice {
namespace {

using namespace planir;

// The enums of the dialect are those of the schema, case for case.
#define SLUICE_SAME(ours, theirs)                                              \
  static_assert(static_cast<int>(ours) == static_cast<int>(theirs))
SLUICE_SAME(Stream::CopyBack, fb::StreamKind::CopyBack);
SLUICE_SAME(Stream::Demand, fb::StreamKind::Demand);
SLUICE_SAME(Memory::Host, fb::MemoryKind::Host);
SLUICE_SAME(Rows::LogitRows, fb::RowKind::LogitRows);
SLUICE_SAME(Class::Tensor, fb::Arithmetic::Tensor);
SLUICE_SAME(Role::LogitRowIds, fb::Role::LogitRowIds);
SLUICE_SAME(Role::ExpertWeights, fb::Role::ExpertWeights);
SLUICE_SAME(DType::I32, fb::DType::I32);
SLUICE_SAME(Kernel::AddNormRoute, fb::Kernel::AddNormRoute);
#undef SLUICE_SAME

class Exporter {
public:
  explicit Exporter(ModuleOp module) : module(module) {}
  FailureOr<std::vector<uint8_t>> run();

private:
  template <typename T> using Offsets = std::vector<flat::Offset<T>>;

  /// Numbers files, arenas, buffers and sources, each kind from 0. Ahead of
  /// the walk: in a module a use may stand before its value.
  void number();
  LogicalResult visit(Operation &op);
  LogicalResult addSource(SourceOp source);
  LogicalResult addPool(ExpertPoolOp pool);
  LogicalResult addBank(ExpertBankOp bank);
  /// Adds an instruction on experts, or a bound of a graph.
  void addExpertInstruction(Operation &op, Offsets<fb::Instruction> &list,
                            const llvm::DenseMap<Value, uint32_t> &events);
  FailureOr<flat::Offset<fb::Entry>> entry(EntryOp entry);
  flat::Offset<fb::Model> exportModel();
  uint64_t fingerprint();

  uint32_t index(Value value) const { return indices.lookup(value); }
  /// Checks that a number fits the schema's 32 bits.
  LogicalResult narrow(Operation *op, uint64_t value) {
    if (value <= UINT32_MAX)
      return success();
    return op->emitError() << "has " << value
                           << ", more than a plan can hold (2^32 - 1)";
  }

  ModuleOp module;
  flat::FlatBufferBuilder out{1 << 20};
  llvm::DenseMap<Value, uint32_t> indices; ///< In the table of its kind.
  ModelOp model;
  SmallVector<planir::FileOp> fileOps;
  Offsets<fb::File> files;
  Offsets<fb::Arena> arenas;
  Offsets<fb::Buffer> buffers;
  Offsets<fb::Source> sources;
  Offsets<fb::Constant> constants;
  Offsets<fb::RopeTable> ropes;
  Offsets<fb::Entry> entries;
  Offsets<fb::MemoryItem> memory;
  Offsets<fb::ExpertPool> pools;
  Offsets<fb::ExpertBank> banks;
  PolicyOp policy;
  flat::Offset<fb::Entry> load;
};

void Exporter::number() {
  llvm::DenseMap<Type, uint32_t> counts;
  for (Operation &op : *module.getBody())
    for (Value value : op.getResults())
      indices[value] = counts[value.getType()]++;
}

LogicalResult Exporter::addSource(SourceOp source) {
  SmallVector<uint32_t> sourceFiles;
  for (Value file : source.getFiles())
    sourceFiles.push_back(index(file));
  std::vector<fb::Range> ranges;
  for (size_t i = 0; i < source.getRangeCount(); ++i) {
    SourceOp::Range range = source.getRange(i);
    ranges.emplace_back(sourceFiles[range.file], range.source, range.target,
                        range.bytes);
  }
  auto tensor = out.CreateString(source.getTensor().str());
  sources.push_back(
      fb::CreateSource(out, tensor, out.CreateVectorOfStructs(ranges)));
  return success();
}

LogicalResult Exporter::addPool(ExpertPoolOp pool) {
  auto image = [&](Value buffer) {
    return buffer ? index(buffer) : plan::kNoBuffer;
  };
  pools.push_back(fb::CreateExpertPool(
      out, index(pool.getBuffer()), pool.getSlots(), pool.getSlotBytes(),
      image(pool.getHost()), image(pool.getBounce()), pool.getWaveBytes(),
      pool.getDiskCost() ? pool.getDiskCost()->convertToFloat() : 1.0f));
  return narrow(pool, pool.getSlots());
}

LogicalResult Exporter::addBank(ExpertBankOp bank) {
  auto vector = [&](auto values, auto type) {
    std::vector<decltype(type)> converted(values.begin(), values.end());
    return out.CreateVector(converted);
  };
  if (bank.getExperts() > UINT16_MAX && bank.getSuccessorsAttr())
    return bank.emitError("has successors, which a plan can hold of at most "
                          "65535 experts");
  auto homes = vector(bank.getHomes(), uint8_t());
  auto resident = vector(bank.getResident(), uint32_t());
  flat::Offset<flat::Vector<float>> popularity;
  if (bank.getPopularityAttr())
    popularity = vector(bank.getPopularityAttr().asArrayRef(), float());
  flat::Offset<flat::Vector<uint16_t>> successors;
  if (bank.getSuccessorsAttr())
    successors = vector(bank.getSuccessorsAttr().asArrayRef(), uint16_t());
  ArrayRef<int64_t> parts = bank.getParts();
  banks.push_back(fb::CreateExpertBank(
      out, bank.getLayer(), index(bank.getPool()), index(bank.getSource()),
      bank.getExperts(), bank.getTopK(), bank.getHidden(), bank.getInner(),
      parts[0], parts[1], parts[2], homes, resident, popularity, successors,
      bank.getSuccessorCount()));
  return narrow(bank, bank.getLayer());
}

LogicalResult Exporter::visit(Operation &op) {
  return llvm::TypeSwitch<Operation *, LogicalResult>(&op)
      .Case([&](ModelOp facts) {
        model = facts;
        return success();
      })
      .Case([&](planir::FileOp file) {
        fileOps.push_back(file);
        files.push_back(fb::CreateFile(out,
                                       out.CreateString(file.getPath().str()),
                                       file.getBytes(), file.getHash()));
        return success();
      })
      .Case([&](ArenaOp arena) {
        arenas.push_back(fb::CreateArena(
            out, out.CreateString(arena.getName().str()),
            static_cast<fb::MemoryKind>(arena.getMemory()), arena.getBytes()));
        return success();
      })
      .Case([&](BufferOp buffer) {
        buffers.push_back(fb::CreateBuffer(
            out, out.CreateString(buffer.getName().str()),
            index(buffer.getArena()), buffer.getOffset(), buffer.getBytes(),
            static_cast<fb::DType>(*toDType(buffer.getDtype()))));
        return success();
      })
      .Case([&](SourceOp source) { return addSource(source); })
      .Case([&](ExpertPoolOp pool) { return addPool(pool); })
      .Case([&](ExpertBankOp bank) { return addBank(bank); })
      .Case([&](PolicyOp op) {
        policy = op;
        return success();
      })
      .Case([&](ConstantOp constant) {
        std::vector<uint8_t> bytes;
        for (int32_t value : constant.getData())
          for (int shift = 0; shift < 32; shift += 8)
            bytes.push_back(static_cast<uint32_t>(value) >> shift);
        constants.push_back(fb::CreateConstant(out, index(constant.getBuffer()),
                                               out.CreateVector(bytes)));
        return success();
      })
      .Case([&](RopeTableOp rope) {
        auto frequencies = out.CreateVector(rope.getFrequencies().data(),
                                            rope.getFrequencies().size());
        ropes.push_back(fb::CreateRopeTable(out, index(rope.getCos()),
                                            index(rope.getSin()),
                                            rope.getPositions(), frequencies,
                                            rope.getScale().convertToFloat()));
        return narrow(rope, rope.getPositions());
      })
      .Case([&](MemoryOp line) {
        memory.push_back(fb::CreateMemoryItem(
            out, out.CreateString(line.getName().str()),
            static_cast<fb::MemoryKind>(line.getMemory()), line.getBytes()));
        return success();
      })
      .Case([&](EntryOp op) -> LogicalResult {
        FailureOr<flat::Offset<fb::Entry>> made = entry(op);
        if (failed(made))
          return failure();
        if (op.isLoad())
          load = *made;
        else
          entries.push_back(*made);
        return success();
      })
      .Default([](Operation *other) {
        return other->emitError("is not part of a plan; run lower-to-plan");
      });
}

FailureOr<flat::Offset<fb::Entry>> Exporter::entry(EntryOp entry) {
  Offsets<fb::Port> inputs, outputs;
  Offsets<fb::Instruction> instructions;
  llvm::DenseMap<Value, uint32_t> events;
  auto port = [&](auto op) {
    return fb::CreatePort(out, static_cast<fb::Role>(op.getRole()),
                          op.getLayer(), index(op.getBuffer()));
  };
  auto add = [&](Stream stream, fb::Operation kind, auto operation) {
    instructions.push_back(fb::CreateInstruction(
        out, static_cast<fb::StreamKind>(stream), kind, operation.Union()));
  };
  for (auto output : entry.getBody().front().getOps<OutputOp>())
    if (failed(narrow(output, output.getLayer())))
      return failure();
  for (Operation &op : entry.getBody().front())
    llvm::TypeSwitch<Operation *>(&op)
        .Case([&](InputOp input) { inputs.push_back(port(input)); })
        .Case([&](OutputOp output) { outputs.push_back(port(output)); })
        .Case([&](LaunchOp launch) {
          std::vector<uint32_t> operands;
          for (Value operand : launch.getSignatureOperands())
            operands.push_back(operand ? index(operand) : plan::kNoBuffer);
          const Signature *signature =
              findSignature(std::string_view(launch.getKernel()));
          auto operandList = out.CreateVector(operands);
          auto dims = out.CreateVector(launch.getDims().data(),
                                       launch.getDims().size());
          flat::Offset<flat::Vector<float>> scalars;
          if (!launch.getScalars().empty())
            scalars = out.CreateVector(launch.getScalars().data(),
                                       launch.getScalars().size());
          add(launch.getStream(), fb::Operation::Launch,
              fb::CreateLaunch(
                  out, static_cast<fb::Kernel>(signature->kernel),
                  static_cast<fb::Arithmetic>(launch.getArithmetic()),
                  static_cast<fb::RowKind>(launch.getRows()), operandList, dims,
                  scalars));
        })
        .Case([&](CopyOp copy) {
          add(copy.getStream(), fb::Operation::Copy,
              fb::CreateCopy(out, index(copy.getSource()),
                             index(copy.getTarget()),
                             static_cast<fb::RowKind>(copy.getRows()),
                             copy.getBytes(), copy.getRecording()));
        })
        .Case([&](planir::FetchOp fetch) {
          add(fetch.getStream(), fb::Operation::Fetch,
              fb::CreateFetch(out, index(fetch.getSource()),
                              index(fetch.getTarget())));
        })
        .Case([&](RecordOp record) {
          uint32_t event = events.size();
          events[record.getEvent()] = event;
          add(record.getStream(), fb::Operation::Record,
              fb::CreateRecord(out, event));
        })
        .Case([&](WaitOp wait) {
          add(wait.getStream(), fb::Operation::Wait,
              fb::CreateWait(out, events.lookup(wait.getEvent())));
        })
        .Default([&](Operation *other) {
          addExpertInstruction(*other, instructions, events);
        });
  if (failed(narrow(entry, entry.getMaxRows())))
    return failure();
  auto name = out.CreateString(entry.getSymName().str());
  auto inputList = out.CreateVector(inputs);
  auto outputList = out.CreateVector(outputs);
  auto instructionList = out.CreateVector(instructions);
  return fb::CreateEntry(out, name, entry.getMaxRows(), entry.getMaxLogitRows(),
                         events.size(), inputList, outputList, instructionList);
}

void Exporter::addExpertInstruction(
    Operation &op, Offsets<fb::Instruction> &list,
    const llvm::DenseMap<Value, uint32_t> &events) {
  auto add = [&](Stream stream, fb::Operation kind, auto operation) {
    list.push_back(fb::CreateInstruction(
        out, static_cast<fb::StreamKind>(stream), kind, operation.Union()));
  };
  using Kind = fb::Operation;
  llvm::TypeSwitch<Operation *>(&op)
      .Case([&](DemandOp demand) {
        add(Stream::Compute, Kind::ExpertDemand,
            fb::CreateExpertDemand(
                out, index(demand.getBank()), demand.getPart(),
                demand.getParts(), index(demand.getIds()),
                events.lookup(demand.getEvent()), demand.getAll()));
      })
      .Case([&](SplitOp split) {
        add(Stream::Compute, Kind::ExpertSplit,
            fb::CreateExpertSplit(out, index(split.getBank()), split.getPart(),
                                  split.getShare().convertToFloat()));
      })
      .Case([&](FetchExpertsOp fetch) {
        add(Stream::Demand, Kind::ExpertFetch,
            fb::CreateExpertFetch(out, index(fetch.getBank()),
                                  fetch.getPart()));
      })
      .Case([&](RunHostOp run) {
        add(Stream::Compute, Kind::ExpertRunHost,
            fb::CreateExpertRunHost(out, index(run.getBank()), run.getPart(),
                                    index(run.getIn()),
                                    index(run.getOutputs())));
      })
      .Case([&](RunExpertsOp run) {
        add(Stream::Compute, Kind::ExpertRun,
            fb::CreateExpertRun(
                out, index(run.getBank()), run.getPart(), run.getParts(),
                static_cast<fb::Arithmetic>(run.getArithmetic()),
                index(run.getIn()), index(run.getInner()),
                index(run.getOutputs()), index(run.getTables()),
                index(run.getTablesHost())));
      })
      .Case([&](JoinOp join) {
        add(Stream::Compute, Kind::ExpertJoin,
            fb::CreateExpertJoin(
                out, index(join.getBank()), join.getPart(),
                index(join.getSource()), index(join.getStaged()),
                index(join.getShares()), index(join.getSharesHost())));
      })
      .Case([&](ReleaseOp release) {
        add(Stream::Compute, Kind::ExpertRelease,
            fb::CreateExpertRelease(out, index(release.getBank()),
                                    release.getPart(), release.getForget()));
      })
      .Case([&](PrefetchOp prefetch) {
        add(Stream::Prefetch, Kind::ExpertPrefetch,
            fb::CreateExpertPrefetch(
                out, index(prefetch.getBank()),
                prefetch.getFrom() ? index(prefetch.getFrom()) : UINT32_MAX,
                prefetch.getLimit()));
      })
      .Case([&](GraphBeginOp begin) {
        add(Stream::Compute, Kind::GraphBegin,
            fb::CreateGraphBegin(out, begin.getGraph()));
      })
      .Case([&](GraphEndOp end) {
        add(Stream::Compute, Kind::GraphEnd,
            fb::CreateGraphEnd(out, end.getGraph()));
      });
}

flat::Offset<fb::Model> Exporter::exportModel() {
  std::vector<uint32_t> stops(model.getStopTokens().begin(),
                              model.getStopTokens().end());
  auto architecture = out.CreateString(model.getArchitecture().str());
  auto name = out.CreateString(model.getName().str());
  auto stopTokens = out.CreateVector(stops);
  return fb::CreateModel(
      out, architecture, name, model.getParameters(), model.getLayers(),
      model.getHidden(), model.getVocab(), model.getExperts(), model.getTopK(),
      model.getMaxSequences(), model.getMaxPositions(), model.getPageTokens(),
      model.getPages(), model.getPagesPerSequence(), stopTokens);
}

uint64_t Exporter::fingerprint() {
  std::vector<FileIdentity> files;
  for (planir::FileOp file : fileOps)
    files.push_back({file.getPath().str(),
                     static_cast<uint64_t>(file.getBytes()),
                     static_cast<uint64_t>(file.getHash())});
  return sluice::fingerprint(files);
}

FailureOr<std::vector<uint8_t>> Exporter::run() {
  number();
  for (Operation &op : *module.getBody())
    if (failed(visit(op)))
      return failure();
  if (!model || load.IsNull()) {
    module.emitError("has no plan.model or no @load");
    return failure();
  }
  for (uint64_t fact :
       {model.getLayers(), model.getHidden(), model.getVocab(),
        model.getExperts(), model.getTopK(), model.getMaxSequences(),
        model.getMaxPositions(), model.getPageTokens(), model.getPages(),
        model.getPagesPerSequence()})
    if (failed(narrow(model, fact)))
      return failure();
  auto facts = exportModel();
  auto compiler = out.CreateString(plan::kCompiler);
  auto options = out.CreateString(model.getOptions().str());
  auto directory = out.CreateString(model.getDirectory().str());
  auto fileList = out.CreateVector(files);
  auto arenaList = out.CreateVector(arenas);
  auto bufferList = out.CreateVector(buffers);
  auto sourceList = out.CreateVector(sources);
  auto constantList = out.CreateVector(constants);
  auto ropeList = out.CreateVector(ropes);
  auto entryList = out.CreateVector(entries);
  auto memoryList = out.CreateVector(memory);
  flat::Offset<flat::Vector<flat::Offset<fb::ExpertPool>>> poolList;
  flat::Offset<flat::Vector<flat::Offset<fb::ExpertBank>>> bankList;
  if (!pools.empty()) {
    poolList = out.CreateVector(pools);
    bankList = out.CreateVector(banks);
  }
  // Without a policy the plan's default is the first one.
  uint8_t policyIndex = policy ? policy.getPolicy() : 0;
  float stepMs = policy ? policy.getStepMs().convertToFloat() : 0;
  flat::Offset<flat::String> mode;
  if (policy)
    mode = out.CreateString(policy.getMode().str());
  fb::FinishPlanBuffer(
      out, fb::CreatePlan(out, plan::kVersion, compiler, options, directory,
                          fingerprint(), facts, fileList, arenaList, bufferList,
                          sourceList, constantList, ropeList, load, entryList,
                          memoryList, poolList, bankList, policyIndex, stepMs,
                          mode));
  return std::vector<uint8_t>(out.GetBufferPointer(),
                              out.GetBufferPointer() + out.GetSize());
}

} // namespace

FailureOr<std::vector<uint8_t>> exportPlan(ModuleOp module) {
  return Exporter(module).run();
}

} // namespace sluice
