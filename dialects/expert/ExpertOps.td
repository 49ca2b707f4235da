//===- ExpertOps.td - The expert dialect: where experts are -*- tablegen -*-===//
//
// Where the weights of experts lie and how they get there.
//
//===----------------------------------------------------------------------===//
#ifndef SLUICE_EXPERT_OPS_TD
#define SLUICE_EXPERT_OPS_TD

include "mlir/IR/AttrTypeBase.td"
include "mlir/IR/CommonAttrConstraints.td"
include "mlir/IR/CommonTypeConstraints.td"
include "mlir/IR/OpBase.td"
include "mlir/IR/SymbolInterfaces.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

def Expert_Dialect : Dialect {
  let name = "expert";
  let summary = "Where the weights of experts lie and how they get there";
  let description = [{
    The second of Sluice's three dialects. It takes the place of `llm.experts`
    and says, for each layer, which experts a step needs, when they are moved,
    when they have arrived and how long they stay:

    ```
      ids ──► demand ──► set ──► fetch ──► ticket ──► await ──► slots ──► run ──► outputs
                          └─────────────────────────────────────────────►┘          │
                                                           release ◄─────┘          ▼
                          set ──► run_host ──────────────────────────► outputs ──► combine ──► rows
    ```

    A `!expert.set` is a subset of a layer's experts, a `!expert.ticket` a move
    that is under way, `!expert.slots` the right to read the set's weights in
    the pool, `!expert.outputs` what experts gave for the rows that chose them,
    before the router's weights. Each type names the bank of its layer, so that
    the slots of one layer cannot be used for another.

    `split` divides a set between the bus and the CPU. `predict` and `prefetch`
    move experts that a later layer will probably ask for.

    When every expert fits the pool, `@load` fetches them once
    (`all`, `fetch`, `await`, `pin`) and the entry points name them by
    `resident`, which verifies only if the pin is there.
  }];
  let cppNamespace = "::sluice::expert";
  let dependentDialects = ["::sluice::llm::LlmDialect"];
  let useDefaultTypePrinterParser = 1;
}

//===----------------------------------------------------------------------===//
// Types
//===----------------------------------------------------------------------===//

class Expert_Type<string name, string mnemonicName, string text>
    : TypeDef<Expert_Dialect, name> {
  let mnemonic = mnemonicName;
  let summary = text;
  let parameters = (ins "::mlir::FlatSymbolRefAttr":$bank);
  let assemblyFormat = "`<` $bank `>`";
  let builders = [TypeBuilderWithInferredContext<
      (ins "::mlir::FlatSymbolRefAttr":$bank), [{
    return $_get(bank.getContext(), bank);
  }]>];
}

def Expert_Set : Expert_Type<"Set", "set", "Some experts of one layer"> {
  let description = "The experts of bank `bank` that a step needs, as known at run time.";
}
def Expert_Ticket : Expert_Type<"Ticket", "ticket", "Experts on their way"> {
  let description = "A move of experts of `bank` into the pool that has been started.";
}
def Expert_Slots : Expert_Type<"Slots", "slots", "Experts that have arrived"> {
  let description = [{
    The right to read experts of `bank` in the pool, until they are released.
  }];
}

def Expert_Outputs : Expert_Type<"Outputs", "outputs", "What experts gave for their rows"> {
  let description = [{
    One row of f32 for each pair of a row and an expert of `bank` that it chose,
    for the pairs of one set.
  }];
}

//===----------------------------------------------------------------------===//
// Ops
//===----------------------------------------------------------------------===//

class Expert_Op<string mnemonic, list<Trait> traits = []>
    : Op<Expert_Dialect, mnemonic, traits>;

// Slots are taken, filled and given back here; keeps those ops in order.
def Expert_PoolResource : Resource<"::sluice::expert::PoolResource">;

class Expert_SameBank<string from, string to> : PredOpTrait<
    "'" # from # "' and '" # to # "' name the same bank",
    CPred<"::sluice::expert::bankOf($" # from # ") == ::sluice::expert::bankOf($"
          # to # ")">>;

def Expert_Count : ConfinedAttr<I64Attr, [IntPositive]>;
def Expert_Natural : ConfinedAttr<I64Attr, [IntNonNegative]>;

def Expert_PoolOp : Expert_Op<"pool", [Symbol, HasParent<"::mlir::ModuleOp">]> {
  let summary = "Slots for experts in the memory of the GPU";
  let description = [{
    `slots` slots of `slot_bytes` bytes (a multiple of 256), each with room for
    one expert whose weights have type `dtype`. `budget` is what the whole plan
    may spend on experts: all pools of a module together stay within it.

    ```mlir
    expert.pool @pool {budget = 786432 : i64, dtype = bf16,
                       slot_bytes = 24576 : i64, slots = 32 : i64}
    ```
  }];
  let arguments = (ins
    SymbolNameAttr:$sym_name,
    TypeAttr:$dtype,
    Expert_Count:$slots,
    Expert_Count:$slot_bytes,
    Expert_Natural:$budget
  );
  let assemblyFormat = "$sym_name attr-dict";
  let hasVerifier = 1;
}

def Expert_StatisticsOp : Expert_Op<"statistics", [
    HasParent<"::mlir::ModuleOp">,
    DeclareOpInterfaceMethods<SymbolUserOpInterface>]> {
  let summary = "What recorded routing says of a layer's experts";
  let description = [{
    `popularity` holds the expected uses a token of each expert. `successors`
    holds, for each expert of the layer before that has experts, the
    `successor_count` experts of this layer that most often follow it, likeliest
    first; empty where nothing is known. `missed` says how often a step is
    expected to miss each expert, where that is known.

    ```mlir
    expert.statistics of @experts1 popularity [0.5, 1.5, 0.0, 0.0]
        successors [1, 0, 1, 0, 1, 0, 1, 0] each 2 missed [0.25, 0.0, 0.0, 0.0]
    ```
  }];
  let arguments = (ins
    FlatSymbolRefAttr:$bank,
    DenseF32ArrayAttr:$popularity,
    DefaultValuedAttr<DenseI32ArrayAttr, "{}">:$successors,
    DefaultValuedAttr<Expert_Natural, "0">:$successor_count,
    OptionalAttr<DenseF32ArrayAttr>:$missed
  );
  let assemblyFormat = [{
    `of` $bank `popularity` $popularity
    (`successors` $successors^ `each` $successor_count)?
    (`missed` $missed^)? attr-dict
  }];
  let hasVerifier = 1;
}

def Expert_DemandOp : Expert_Op<"demand", [
    Pure, DeclareOpInterfaceMethods<SymbolUserOpInterface>]> {
  let summary = "The union of the experts that the rows of a step chose";
  let description = [{
    `ids` holds the chosen experts of each row, in the order of the router's
    top-k. The set also remembers which rows chose which expert, so that each
    expert's weights are read once for all of its rows.

    `part p of P` takes only the rows [p * R / P, (p + 1) * R / P) of a step's R:
    those of one batch. A `whole` set also has the experts that no row chose.

    ```mlir
    %set = expert.demand %ids : tensor<?x8xi32> -> !expert.set<@experts0>
    %one = expert.demand %ids part 1 of 4
        : tensor<?x8xi32> -> !expert.set<@experts0>
    ```
  }];
  let arguments = (ins
    2DTensorOf<[I32]>:$ids,
    DefaultValuedAttr<Expert_Natural, "0">:$part,
    DefaultValuedAttr<Expert_Count, "1">:$parts,
    UnitAttr:$whole
  );
  let results = (outs Expert_Set:$set);
  let assemblyFormat = [{
    $ids (`part` $part `of` $parts^)? (`whole` $whole^)? attr-dict
    `:` type($ids) `->` qualified(type($set))
  }];
  let builders = [OpBuilder<(ins "::mlir::Type":$set, "::mlir::Value":$ids,
                             CArg<"int64_t", "0">:$part,
                             CArg<"int64_t", "1">:$parts,
                             CArg<"bool", "false">:$whole)>];
  let hasVerifier = 1;
}

def Expert_AllOp : Expert_Op<"all", [
    Pure, DeclareOpInterfaceMethods<SymbolUserOpInterface>]> {
  let summary = "All experts of a layer";
  let description = [{
    ```mlir
    %set = expert.all : !expert.set<@experts0>
    ```
  }];
  let results = (outs Expert_Set:$set);
  let assemblyFormat = "attr-dict `:` qualified(type($set))";
}

def Expert_FetchOp : Expert_Op<"fetch", [
    Expert_SameBank<"set", "ticket">,
    MemoryEffects<[MemWrite<Expert_PoolResource>]>,
    DeclareOpInterfaceMethods<SymbolUserOpInterface>]> {
  let summary = "Starts to bring a set's experts into a pool";
  let description = [{
    Experts that are there already are not moved. The ticket is awaited exactly
    once: an expert nobody waits for would be moved for nothing.

    ```mlir
    %ticket = expert.fetch %set into @pool
        : !expert.set<@experts0> -> !expert.ticket<@experts0>
    ```
  }];
  let arguments = (ins Expert_Set:$set, FlatSymbolRefAttr:$pool);
  let results = (outs Expert_Ticket:$ticket);
  let assemblyFormat = [{
    $set `into` $pool attr-dict `:` qualified(type($set)) `->` qualified(type($ticket))
  }];
  let hasVerifier = 1;
}

def Expert_AwaitOp : Expert_Op<"await", [
    Expert_SameBank<"ticket", "slots">,
    MemoryEffects<[MemWrite<Expert_PoolResource>]>]> {
  let summary = "Waits until a fetch has finished";
  let description = [{
    The slots are given back by exactly one `release`, after their last use, or
    kept for good by one `pin`.

    ```mlir
    %slots = expert.await %ticket
        : !expert.ticket<@experts0> -> !expert.slots<@experts0>
    ```
  }];
  let arguments = (ins Expert_Ticket:$ticket);
  let results = (outs Expert_Slots:$slots);
  let assemblyFormat = "$ticket attr-dict `:` qualified(type($ticket)) `->` qualified(type($slots))";
  let hasVerifier = 1;
}

def Expert_SplitOp : Expert_Op<"split", [
    Pure, AllTypesMatch<["set", "fetched", "host"]>,
    DeclareOpInterfaceMethods<SymbolUserOpInterface>]> {
  let summary = "Divides the missing experts between the bus and the CPU";
  let description = [{
    `host` gets about `share` of the bytes of those experts that are not in a
    slot, `fetched` all others. With a share of 0 the host's set is empty, with
    1 it has everything that is not in a slot.

    ```mlir
    %fetched, %host = expert.split %set share 0.65 : !expert.set<@experts0>
    ```
  }];
  let arguments = (ins Expert_Set:$set, F32Attr:$share);
  let results = (outs Expert_Set:$fetched, Expert_Set:$host);
  let assemblyFormat = "$set `share` $share attr-dict `:` qualified(type($set))";
  let hasVerifier = 1;
}

def Expert_PredictOp : Expert_Op<"predict", [
    Pure, DeclareOpInterfaceMethods<SymbolUserOpInterface>]> {
  let summary = "The experts that a later layer will probably ask for";
  let description = [{
    The `limit` likeliest experts of the result's bank, from the experts that
    the layer of `evidence` was asked for.

    ```mlir
    %next = expert.predict from %set limit 8
        : !expert.set<@experts0> -> !expert.set<@experts1>
    ```
  }];
  let arguments = (ins Expert_Set:$evidence, Expert_Count:$limit);
  let results = (outs Expert_Set:$set);
  let assemblyFormat = [{
    `from` $evidence `limit` $limit attr-dict
    `:` qualified(type($evidence)) `->` qualified(type($set))
  }];
}

def Expert_PrefetchOp : Expert_Op<"prefetch", [
    MemoryEffects<[MemWrite<Expert_PoolResource>]>,
    DeclareOpInterfaceMethods<SymbolUserOpInterface>]> {
  let summary = "Moves experts that nobody has asked for yet";
  let description = [{
    Only when the bus has nothing better to do; what has not started when the
    layer demands its experts is dropped. There is no ticket: the layer's own
    fetch finds what has come, and what is on its way.

    ```mlir
    expert.prefetch %next into @pool : !expert.set<@experts1>
    ```
  }];
  let arguments = (ins Expert_Set:$set, FlatSymbolRefAttr:$pool);
  let assemblyFormat = "$set `into` $pool attr-dict `:` qualified(type($set))";
  let hasVerifier = 1;
}

def Expert_RunOp : Expert_Op<"run", [
    Expert_SameBank<"set", "slots">, Expert_SameBank<"set", "outputs">,
    MemoryEffects<[MemRead<Expert_PoolResource>]>,
    DeclareOpInterfaceMethods<SymbolUserOpInterface>]> {
  let summary = "Runs rows through the experts of a set on the GPU";
  let description = [{
    Each row of the set's part goes through those of its experts that the set
    has, with the weights found in `slots`.

    ```mlir
    %outputs = expert.run %x, %set, %slots
        : tensor<?x128xbf16>, !expert.set<@experts0>, !expert.slots<@experts0>
          -> !expert.outputs<@experts0>
    ```
  }];
  let arguments = (ins
    2DTensorOf<[BF16, F32]>:$in, Expert_Set:$set, Expert_Slots:$slots
  );
  let results = (outs Expert_Outputs:$outputs);
  let assemblyFormat = [{
    $in `,` $set `,` $slots attr-dict
    `:` type($in) `,` qualified(type($set)) `,` qualified(type($slots))
    `->` qualified(type($outputs))
  }];
}

def Expert_RunHostOp : Expert_Op<"run_host", [
    Pure, Expert_SameBank<"set", "outputs">,
    DeclareOpInterfaceMethods<SymbolUserOpInterface>]> {
  let summary = "Runs rows through the experts of a set on the CPU";
  let description = [{
    As `run`, with the weights read where they lie in host memory. The set is
    the host's part of a `split`.

    ```mlir
    %outputs = expert.run_host %x, %host
        : tensor<?x128xbf16>, !expert.set<@experts0>
          -> !expert.outputs<@experts0>
    ```
  }];
  let arguments = (ins 2DTensorOf<[BF16, F32]>:$in, Expert_Set:$set);
  let results = (outs Expert_Outputs:$outputs);
  let assemblyFormat = [{
    $in `,` $set attr-dict
    `:` type($in) `,` qualified(type($set)) `->` qualified(type($outputs))
  }];
  let hasVerifier = 1;
}

def Expert_CombineOp : Expert_Op<"combine", [
    Pure, DeclareOpInterfaceMethods<SymbolUserOpInterface>]> {
  let summary = "Sums each row's expert outputs by the router's weights";
  let description = [{
    The sum is in the order of the router's top-k, whichever expert came first
    and whoever computed it. Together the sets of `outputs` have each pair of a
    row and an expert exactly once.

    ```mlir
    %y = expert.combine %weights, %gpu, %cpu
        : tensor<?x8xf32>, !expert.outputs<@experts0>,
          !expert.outputs<@experts0> -> tensor<?x128xbf16>
    ```
  }];
  let arguments = (ins 2DTensorOf<[F32]>:$weights, Variadic<Expert_Outputs>:$outputs);
  let results = (outs 2DTensorOf<[BF16, F32]>:$out);
  let assemblyFormat = [{
    $weights `,` $outputs attr-dict
    `:` type($weights) `,` qualified(type($outputs)) `->` type($out)
  }];
  let hasVerifier = 1;
}

def Expert_ReleaseOp : Expert_Op<"release", [
    MemoryEffects<[MemWrite<Expert_PoolResource>]>]> {
  let summary = "Lets the pool use the slots for other experts";
  let description = [{
    The experts stay until their slots are needed; with `forget` they are gone
    at once.

    ```mlir
    expert.release %slots : !expert.slots<@experts0>
    expert.release %slots forget : !expert.slots<@experts0>
    ```
  }];
  let arguments = (ins Expert_Slots:$slots, UnitAttr:$forget);
  let assemblyFormat = [{
    $slots (`forget` $forget^)? attr-dict `:` qualified(type($slots))
  }];
  let hasVerifier = 1;
}

def Expert_PinOp : Expert_Op<"pin", [
    MemoryEffects<[MemWrite<Expert_PoolResource>]>,
    DeclareOpInterfaceMethods<SymbolUserOpInterface>]> {
  let summary = "Keeps all experts of a layer in the pool for good";
  let description = [{
    Only in `@load`, and only of `expert.all`: expert e of the layer stays in
    slot `first` + e. Verifies that these slots exist, that an expert fits one,
    and that no other layer is pinned there.

    ```mlir
    expert.pin %slots at 0 : !expert.slots<@experts0>
    ```
  }];
  let arguments = (ins Expert_Slots:$slots, Expert_Natural:$first);
  let assemblyFormat = "$slots `at` $first attr-dict `:` qualified(type($slots))";
  let hasVerifier = 1;
  let extraClassDeclaration = [{
    /// The fetch that filled the slots; null while the op is not verified.
    FetchOp getFetch();
  }];
}

def Expert_ResidentOp : Expert_Op<"resident", [
    Pure, DeclareOpInterfaceMethods<SymbolUserOpInterface>]> {
  let summary = "The slots of a layer that @load has pinned";
  let description = [{
    Says that every expert of the layer is in the pool before any step begins.
    That is proved: it verifies only if `@load` pins the bank.

    ```mlir
    %slots = expert.resident : !expert.slots<@experts0>
    ```
  }];
  let results = (outs Expert_Slots:$slots);
  let assemblyFormat = "attr-dict `:` qualified(type($slots))";
}

#endif // SLUICE_EXPERT_OPS_TD
