//===- PlanDialect.td - The plan dialect: when and where ---*- tablegen -*-===//
//
// The dialect, its enums and its types.
//
//===----------------------------------------------------------------------===//
#ifndef SLUICE_PLAN_DIALECT_TD
#define SLUICE_PLAN_DIALECT_TD

include "mlir/IR/AttrTypeBase.td"
include "mlir/IR/CommonAttrConstraints.td"
include "mlir/IR/CommonTypeConstraints.td"
include "mlir/IR/EnumAttr.td"
include "mlir/IR/OpAsmInterface.td"
include "mlir/IR/OpBase.td"
include "mlir/IR/Properties.td"
include "mlir/IR/SymbolInterfaces.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

def Plan_Dialect : Dialect {
  let name = "plan";
  let summary = "When things happen, on which stream, at which address";
  let description = [{
    The last of Sluice's three dialects: the plan as the runtime gets it, one op
    for each table of `runtime/plan/plan.fbs`, so that the exporter is a flat
    walk.

    ```
      plan.model  plan.file  plan.memory        facts
      plan.arena ◄─ plan.buffer                 memory: (arena, offset, bytes)
      plan.source  plan.constant  plan.rope_table     what is in it at load
      plan.expert_pool ◄─ plan.expert_bank      experts that move in a step
      plan.entry { plan.input, plan.output      an entry point:
                   plan.launch  plan.copy  plan.fetch      work on a stream
                   plan.record  plan.wait                 order between streams
                   plan.demand  plan.fetch_experts  ... } moves of experts
    ```

    A stream runs its instructions in the order of the entry; only record and
    wait order two streams. An event is the result of its record, so that a wait
    before the record cannot be written. `plan.demand` is the one place where the
    host waits: what follows it starts after its event. Every entry begins and ends with all
    streams idle.
  }];
  let cppNamespace = "::sluice::planir";
  let useDefaultTypePrinterParser = 1;
}

//===----------------------------------------------------------------------===//
// Enums, in the order of plan.fbs
//===----------------------------------------------------------------------===//

class Plan_Enum<string name, string text, list<EnumCase> cases>
    : I32Enum<name, text, cases> {
  let cppNamespace = "::sluice::planir";
}

def Plan_Stream : Plan_Enum<"Stream", "a stream", [
  I32EnumCase<"Compute", 0, "compute">,
  I32EnumCase<"Demand", 1, "demand">,
  I32EnumCase<"Prefetch", 2, "prefetch">,
  I32EnumCase<"CopyBack", 3, "copy_back">]>;

def Plan_Memory : Plan_Enum<"Memory", "where an arena lies", [
  I32EnumCase<"Device", 0, "device">,
  I32EnumCase<"Host", 1, "host">]>;

def Plan_Rows : Plan_Enum<"Rows", "the row count that work follows", [
  I32EnumCase<"Fixed", 0, "fixed">,
  I32EnumCase<"Rows", 1, "rows">,
  I32EnumCase<"LogitRows", 2, "logit_rows">]>;

def Plan_Arithmetic : Plan_Enum<"Class", "an arithmetic class", [
  I32EnumCase<"Portable", 0, "portable">,
  I32EnumCase<"Tensor", 1, "tensor">]>;

def Plan_Role : Plan_Enum<"Role", "what a port carries", [
  I32EnumCase<"Tokens", 0, "tokens">,
  I32EnumCase<"Positions", 1, "positions">,
  I32EnumCase<"Sequences", 2, "sequences">,
  I32EnumCase<"PageTable", 3, "page_table">,
  I32EnumCase<"LogitRowIds", 4, "logit_rows">,
  I32EnumCase<"Logits", 5, "logits">,
  I32EnumCase<"ExpertIds", 6, "expert_ids">,
  I32EnumCase<"ExpertWeights", 7, "expert_weights">]>;

//===----------------------------------------------------------------------===//
// Types
//===----------------------------------------------------------------------===//

class Plan_Type<string name, string mnemonicName, string text>
    : TypeDef<Plan_Dialect, name>,
      BuildableType<"::sluice::planir::" # name #
                    "Type::get($_builder.getContext())"> {
  let mnemonic = mnemonicName;
  let summary = text;
}

def Plan_File : Plan_Type<"File", "file", "A file of the checkpoint">;
def Plan_Arena : Plan_Type<"Arena", "arena", "One allocation, made at load">;
def Plan_Buffer : Plan_Type<"Buffer", "buffer", "A typed range of an arena">;
def Plan_Source : Plan_Type<"Source", "source", "Ranges of files">;
def Plan_Event : Plan_Type<"Event", "event", "A point of a stream">;
def Plan_Pool : Plan_Type<"Pool", "pool", "Slots for experts">;
def Plan_Bank : Plan_Type<"Bank", "bank", "The experts of a layer">;

class Plan_Op<string mnemonic, list<Trait> traits = []>
    : Op<Plan_Dialect, mnemonic, traits>;

defvar Plan_Named =
    DeclareOpInterfaceMethods<OpAsmOpInterface, ["getAsmResultNames"]>;

#endif // SLUICE_PLAN_DIALECT_TD
