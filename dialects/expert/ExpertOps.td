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
      ids ──► demand ──► set ──► fetch ──► ticket ──► await ──► slots ──► run
                          └──────────────────────────────────────────────►┘
                                                           release ◄───────┘
    ```

    A `!expert.set` is a subset of a layer's experts, a `!expert.ticket` a move
    that is under way, `!expert.slots` the right to read the set's weights in
    the pool. Each type names the bank of its layer, so that the slots of one
    layer cannot be used for another.

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

def Expert_DemandOp : Expert_Op<"demand", [
    Pure, DeclareOpInterfaceMethods<SymbolUserOpInterface>]> {
  let summary = "The union of the experts that the rows of a step chose";
  let description = [{
    `ids` holds the chosen experts of each row, in the order of the router's
    top-k. The set also remembers which rows chose which expert, so that each
    expert's weights are read once for all of its rows.

    ```mlir
    %set = expert.demand %ids : tensor<?x8xi32> -> !expert.set<@experts0>
    ```
  }];
  let arguments = (ins 2DTensorOf<[I32]>:$ids);
  let results = (outs Expert_Set:$set);
  let assemblyFormat = "$ids attr-dict `:` type($ids) `->` qualified(type($set))";
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

def Expert_RunOp : Expert_Op<"run", [
    AllTypesMatch<["in", "out"]>, Expert_SameBank<"set", "slots">,
    MemoryEffects<[MemRead<Expert_PoolResource>]>,
    DeclareOpInterfaceMethods<SymbolUserOpInterface>]> {
  let summary = "Runs each row through its experts and sums the outputs";
  let description = [{
    What `llm.experts` says, with the weights found in `slots`. The sum is in
    the order of the router's top-k, whichever expert came first.

    ```mlir
    %y = expert.run %x, %weights, %set, %slots
        : tensor<?x128xbf16>, tensor<?x8xf32>, !expert.set<@experts0>,
          !expert.slots<@experts0>
    ```
  }];
  let arguments = (ins
    2DTensorOf<[BF16, F32]>:$in,
    2DTensorOf<[F32]>:$weights,
    Expert_Set:$set,
    Expert_Slots:$slots
  );
  let results = (outs 2DTensorOf<[BF16, F32]>:$out);
  let assemblyFormat = [{
    $in `,` $weights `,` $set `,` $slots attr-dict
    `:` type($in) `,` type($weights) `,` qualified(type($set)) `,` qualified(type($slots))
  }];
}

def Expert_ReleaseOp : Expert_Op<"release", [
    MemoryEffects<[MemWrite<Expert_PoolResource>]>]> {
  let summary = "Lets the pool use the slots for other experts";
  let description = [{
    ```mlir
    expert.release %slots : !expert.slots<@experts0>
    ```
  }];
  let arguments = (ins Expert_Slots:$slots);
  let assemblyFormat = "$slots attr-dict `:` qualified(type($slots))";
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
