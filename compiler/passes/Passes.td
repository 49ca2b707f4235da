//===- Passes.td - Every pass of the compiler --------------*- tablegen -*-===//
//
// One entry a pass: what it does, an example before and after, and a statistic
// of what it did. compiler/pipeline says in which order they run.
//
//===----------------------------------------------------------------------===//
#ifndef SLUICE_PASSES_TD
#define SLUICE_PASSES_TD

include "mlir/Pass/PassBase.td"

//===----------------------------------------------------------------------===//
// llm -> llm
//===----------------------------------------------------------------------===//

def FuseLlm : Pass<"fuse-llm", "::mlir::ModuleOp"> {
  let summary = "Joins neighbouring llm ops into one kernel";
  let description = [{
    Fewer launches and fewer trips through memory, and the same bits: each fused
    op is defined as its parts in sequence.

    - `add` + `rms_norm` of the sum -> `add_rms_norm`
    - `rms_norm` and `rope` of q and k + `kv_write` -> `qk_norm_rope_write`
    - `softmax` + `top_k` -> `route`
    - `linear`s of one input that become q, k and v -> `linear_group`
    - `add_rms_norm` + the router's `linear` of it + `route` -> `add_norm_route`

    Before:

    ```mlir
    %s = llm.add %h, %a : tensor<?x128xbf16>
    %n = llm.rms_norm %s, @norm {eps = 1.0e-6 : f32} : tensor<?x128xbf16>
    ```

    After:

    ```mlir
    %s, %n = llm.add_rms_norm %h, %a, @norm {eps = 1.0e-6 : f32}
        : tensor<?x128xbf16>
    ```
  }];
  let dependentDialects = ["::sluice::llm::LlmDialect"];
  let statistics = [
    Statistic<"norms", "add-rms-norm", "Residual additions fused with a norm">,
    Statistic<"writes", "qk-norm-rope-write",
              "Norms, rotations and cache writes fused">,
    Statistic<"routers", "route", "Routers fused">,
    Statistic<"groups", "linear-group", "Groups of projections fused">,
    Statistic<"normedRouters", "add-norm-route",
              "Routers fused with the norm in front of them">
  ];
}

def VerifyLlm : Pass<"verify-llm", "::mlir::ModuleOp"> {
  let summary = "Checks that an llm module is one whole model";
  let description = [{
    The gate between the llm and the expert stage; changes nothing. A module has
    one `llm.model` and the entry points `@prefill` and `@decode`, whose
    arguments and results have the roles, order and shapes that the runtime
    fills and reads; caches and rope tables hold what the model's limits ask
    for; entry points hold llm ops alone.

    Before and after:

    ```mlir
    func.func @decode(%tokens: tensor<?xi32> {llm.role = "tokens"}, ...)
        -> (tensor<?x2048xf32> {llm.role = "logits"}, ...)
        attributes {llm.max_rows = 1 : i64, llm.max_logit_rows = 1 : i64}
    ```
  }];
  let statistics = [
    Statistic<"entries", "entries", "Entry points that were checked">,
    Statistic<"ops", "ops", "Ops of entry points that were checked">
  ];
}

//===----------------------------------------------------------------------===//
// llm -> expert
//===----------------------------------------------------------------------===//

def InsertExpertTransfers
    : Pass<"insert-expert-transfers", "::mlir::ModuleOp"> {
  let summary = "Says where experts are and when they move";
  let description = [{
    Replaces `llm.experts` by ops of the expert dialect. When slots for the
    experts of all layers fit `budget`, `@load` fetches and pins every layer
    once, and entry points use the resident slots; that they may is proved by
    the verifier of `expert.resident`. Otherwise (and with `dynamic`) each
    layer's experts are demanded, fetched, awaited, run and released in each
    step, once for each of its batches (`llm.max_logit_rows`, at most
    `max-parts`), in as many slots as the budget holds. `serial` demands whole
    layers and forgets them.

    Before:

    ```mlir
    %y = llm.experts %x, %ids, %weights, @experts0
        : tensor<?x128xbf16>, tensor<?x8xi32>, tensor<?x8xf32>
    ```

    After, where not all experts fit, in an entry point of one batch:

    ```mlir
    %set = expert.demand %ids : tensor<?x8xi32> -> !expert.set<@experts0>
    %ticket = expert.fetch %set into @pool
        : !expert.set<@experts0> -> !expert.ticket<@experts0>
    %slots = expert.await %ticket
        : !expert.ticket<@experts0> -> !expert.slots<@experts0>
    %outputs = expert.run %x, %set, %slots
        : tensor<?x128xbf16>, !expert.set<@experts0>, !expert.slots<@experts0>
          -> !expert.outputs<@experts0>
    %y = expert.combine %weights, %outputs
        : tensor<?x8xf32>, !expert.outputs<@experts0> -> tensor<?x128xbf16>
    expert.release %slots : !expert.slots<@experts0>
    ```

    After, where all fit: `%slots = expert.resident` in place of fetch, await
    and release.
  }];
  let dependentDialects = ["::sluice::expert::ExpertDialect",
                           "::mlir::func::FuncDialect"];
  let options = [
    Option<"budget", "budget", "int64_t",
           "std::numeric_limits<int64_t>::max()",
           "Bytes of GPU memory for expert slots">,
    Option<"dynamic", "dynamic", "bool", "false",
           "Move experts in each step even where all fit">,
    Option<"serial", "serial", "bool", "false",
           "Demand whole layers and forget them">,
    Option<"maxParts", "max-parts", "int64_t", "64",
           "Most batches that bring experts of their own">
  ];
  let statistics = [
    Statistic<"pools", "pools", "Pools of expert slots">,
    Statistic<"pinned", "pinned", "Layers whose experts stay in the pool">,
    Statistic<"fetches", "fetches", "Fetches inside entry points">
  ];
}

//===----------------------------------------------------------------------===//
// expert -> expert
//===----------------------------------------------------------------------===//

def MergeExpertIo : Pass<"merge-expert-io", "::mlir::ModuleOp"> {
  let summary = "Makes one demand of those of all batches of a layer";
  let description = [{
    The demands of one layer become their union: each missing expert moves once
    a step, and runs once, for the rows of all batches together.

    Before: two batches, each with a chain of its own.

    ```mlir
    %set0 = expert.demand %ids part 0 of 2 : tensor<?x8xi32> -> !expert.set<@a>
    // fetch, await, run, release
    %set1 = expert.demand %ids part 1 of 2 : tensor<?x8xi32> -> !expert.set<@a>
    // fetch, await, run
    %y = expert.combine %weights, %outputs0, %outputs1 : tensor<?x8xf32>,
        !expert.outputs<@a>, !expert.outputs<@a> -> tensor<?x128xbf16>
    ```

    After:

    ```mlir
    %set = expert.demand %ids : tensor<?x8xi32> -> !expert.set<@a>
    // fetch, await, run
    %y = expert.combine %weights, %outputs
        : tensor<?x8xf32>, !expert.outputs<@a> -> tensor<?x128xbf16>
    ```
  }];
  let dependentDialects = ["::sluice::expert::ExpertDialect"];
  let statistics = [
    Statistic<"demandsBefore", "demands-before", "Demands before">,
    Statistic<"demandsAfter", "demands-after", "Demands after">
  ];
}

def SplitMisses : Pass<"split-misses", "::mlir::ModuleOp"> {
  let summary = "Gives the CPU its share of the missing experts";
  let description = [{
    Divides each demand of all rows into what the bus brings and what the CPU
    computes where it lies; with a `share` of 1 the CPU gets all that is not in
    a slot. `@prefill` is left alone: its experts may use the tensor cores, whose
    bits the CPU cannot give.

    Before:

    ```mlir
    %set = expert.demand %ids : tensor<?x8xi32> -> !expert.set<@a>
    %ticket = expert.fetch %set into @pool : !expert.set<@a> -> !expert.ticket<@a>
    ```

    After:

    ```mlir
    %set = expert.demand %ids : tensor<?x8xi32> -> !expert.set<@a>
    %fetched, %host = expert.split %set share 0.65 : !expert.set<@a>
    %ticket = expert.fetch %fetched into @pool
        : !expert.set<@a> -> !expert.ticket<@a>
    %cpu = expert.run_host %x, %host
        : tensor<?x128xbf16>, !expert.set<@a> -> !expert.outputs<@a>
    ```
  }];
  let dependentDialects = ["::sluice::expert::ExpertDialect"];
  let options = [
    Option<"share", "share", "double", "0.0",
           "Share of the missing bytes that the CPU computes">
  ];
  let statistics = [
    Statistic<"splits", "splits", "Demands that were divided">
  ];
}

def SchedulePrefetch : Pass<"schedule-prefetch", "::mlir::ModuleOp"> {
  let summary = "Brings experts before their layer asks for them";
  let description = [{
    Behind the experts of each layer, those that the next one will probably
    demand are predicted and moved: the bus is idle while the attention between
    the two runs. At most `limit` experts a layer, and at most half of the slots.

    Before:

    ```mlir
    %outputs = expert.run %x, %set, %slots : tensor<?x128xbf16>,
        !expert.set<@a>, !expert.slots<@a> -> !expert.outputs<@a>
    ```

    After:

    ```mlir
    %outputs = expert.run %x, %set, %slots : tensor<?x128xbf16>,
        !expert.set<@a>, !expert.slots<@a> -> !expert.outputs<@a>
    %next = expert.predict from %set limit 8
        : !expert.set<@a> -> !expert.set<@b>
    expert.prefetch %next into @pool : !expert.set<@b>
    ```
  }];
  let dependentDialects = ["::sluice::expert::ExpertDialect"];
  let options = [
    Option<"limit", "limit", "int64_t", "0",
           "Most experts that come ahead of a layer">
  ];
  let statistics = [
    Statistic<"prefetches", "prefetches", "Layers that are prefetched">
  ];
}

//===----------------------------------------------------------------------===//
// expert -> plan
//===----------------------------------------------------------------------===//

def LowerToPlan : Pass<"lower-to-plan", "::mlir::ModuleOp"> {
  let summary = "Turns tensors into buffers and ops into launches";
  let description = [{
    Every function becomes a `plan.entry`, every op the launches of its kernels.
    Weights, pinned experts, KV caches, rope and slot tables get buffers of
    their own; `@load` fetches what comes from files. Each tensor gets a
    workspace buffer that overlaps no other, and everything stands on the
    compute stream: the plan runs as it is, `assign-streams` and `plan-memory`
    make it faster and smaller.

    Experts that move get a pool with an image of each expert in host memory and
    no expert in a slot; `place-experts` says better. Their ids are copied to the
    host behind the router, and the demand waits for that copy's event.

    The arithmetic class of each launch is fixed here. Linear layers that can
    have more than 8 rows use the tensor cores; so do attention and experts, but
    only in `@prefill`; all of this where activations and weights are bf16 and
    sizes multiples of 8. With `portable`, nothing does.

    Before:

    ```mlir
    %n = llm.add %h, %a : tensor<?x128xbf16>
    ```

    After:

    ```mlir
    %n = plan.buffer "decode.n" in %workspace[512, 256] : bf16
    plan.entry @decode rows 1 logit_rows 1 {
      plan.launch add(%h, %a, %n) {hidden = 128} rows portable on compute
    }
    ```
  }];
  let dependentDialects = ["::sluice::planir::PlanDialect"];
  let options = [
    Option<"portable", "portable", "bool", "false",
           "Keep every launch in the portable class">
  ];
  let statistics = [
    Statistic<"entries", "entries", "Entry points lowered">,
    Statistic<"launches", "launches", "Launches made">,
    Statistic<"banks", "banks", "Layers of experts that @load fetches">
  ];
}

//===----------------------------------------------------------------------===//
// plan -> plan
//===----------------------------------------------------------------------===//

def AssignStreams : Pass<"assign-streams", "::mlir::ModuleOp"> {
  let summary = "Spreads an entry over streams with the fewest events";
  let description = [{
    Copies to the device and fetches go to the demand stream, kernels to the
    compute stream, copies to the host to the copy-back stream. Then every
    dependency between streams (read after write, write after read, write after
    write) gets an event, unless the order of the streams and the events that
    are there already imply it. Run it before `plan-memory`, whose lifetimes
    follow the events.

    Before:

    ```mlir
    plan.copy %tokens_host to %tokens rows 4 on compute
    plan.launch embed(%tokens, %table, %h) {vocab = 8, hidden = 4}
        rows portable on compute
    ```

    After:

    ```mlir
    plan.copy %tokens_host to %tokens rows 4 on demand
    %event = plan.record on demand
    plan.wait %event on compute
    plan.launch embed(%tokens, %table, %h) {vocab = 8, hidden = 4}
        rows portable on compute
    ```
  }];
  let dependentDialects = ["::sluice::planir::PlanDialect"];
  let statistics = [
    Statistic<"dependencies", "dependencies", "Dependencies between streams">,
    Statistic<"records", "records", "Events recorded">,
    Statistic<"waits", "waits", "Waits for events">
  ];
}

def PlanMemory : Pass<"plan-memory", "::mlir::ModuleOp"> {
  let summary = "Gives workspace buffers addresses by lifetime";
  let description = [{
    Buffers of the workspace that are never live together share addresses:
    buffers of different entries, and buffers of one entry where an event or the
    order of a stream puts the last access of one, on every stream, before the
    first of the other. The largest buffers are placed first, each into the
    smallest gap that holds it. Offsets are multiples of 256.

    Before: two buffers of 256 bytes, the second written after the last read of
    the first.

    ```mlir
    %a = plan.buffer "a" in %workspace[0, 256] : f32
    %b = plan.buffer "b" in %workspace[256, 256] : f32
    ```

    After:

    ```mlir
    %a = plan.buffer "a" in %workspace[0, 256] : f32
    %b = plan.buffer "b" in %workspace[0, 256] : f32
    ```
  }];
  let dependentDialects = ["::sluice::planir::PlanDialect"];
  let statistics = [
    Statistic<"before", "bytes-before", "Bytes of the workspace before">,
    Statistic<"after", "bytes-after", "Bytes of the workspace after">
  ];
}

def PlaceExperts : Pass<"place-experts", "::mlir::ModuleOp"> {
  let summary = "Says where each expert lives: slot, host memory or disk";
  let description = [{
    Run it behind `plan-memory`: what the GPU budget leaves beside everything
    else becomes slots, at least two a pool. Load fills the slots with the most
    popular experts, or evenly over the layers where nothing is known; `empty`
    keeps them empty. The host budget fills with images of the experts that a
    step misses most, as the banks say (`missed`), also where they have a slot at
    first: it does not stay theirs. Of those that are missed as often, and where
    nobody knows how often, the most popular are in host memory. The others are
    read from disk when they are missing, through a ring of at most `ring`
    images; as each of their misses costs `disk-cost` of the others', they are as
    much likelier to have a slot at first, and the pool says so to the policy.

    Before, with a budget for one slot more (and experts of equal popularity):

    ```mlir
    %pool = plan.expert_pool "pool" in %slots slots 2 of 768 wave 768 host %images
    %a = plan.expert_bank "a" layer 0 in %pool from %s experts 2 top_k 1 hidden 8
        inner 4 parts [0, 128, 256] homes [0, 0] resident []
    ```

    After:

    ```mlir
    %pool = plan.expert_pool "pool" in %slots slots 3 of 768 wave 768 host %images
    %a = plan.expert_bank "a" layer 0 in %pool from %s experts 2 top_k 1 hidden 8
        inner 4 parts [0, 128, 256] homes [0, 0] resident [0, 1]
    ```
  }];
  let dependentDialects = ["::sluice::planir::PlanDialect"];
  let options = [
    Option<"gpuBudget", "gpu-budget", "int64_t",
           "std::numeric_limits<int64_t>::max()", "Bytes of GPU memory in all">,
    Option<"hostBudget", "host-budget", "int64_t",
           "std::numeric_limits<int64_t>::max()", "Bytes of host memory in all">,
    Option<"wave", "wave", "int64_t", "33554432",
           "Bytes of arrived experts that one launch waits for">,
    Option<"ring", "ring", "int64_t", "16",
           "Most slot images in the ring for disk reads">,
    Option<"diskCost", "disk-cost", "double", "1",
           "Cost of a miss from the disk over one from host memory">,
    Option<"empty", "empty", "bool", "false", "Fill no slots at load">
  ];
  let statistics = [
    Statistic<"slots", "slots", "Slots of all pools">,
    Statistic<"onHost", "host", "Experts that live in host memory">,
    Statistic<"onDisk", "disk", "Experts that live on disk alone">,
    Statistic<"resident", "resident", "Experts that load brings into slots">
  ];
}

def FormGraphs : Pass<"form-graphs", "::mlir::ModuleOp"> {
  let summary = "Marks what can be captured and replayed as one";
  let description = [{
    A launch costs the host more than many a kernel takes. The longest runs of
    launches and copies on the compute stream between two places where the host
    or another stream comes in are marked; a runtime may capture them once and
    replay them. Events and the work of other streams move behind the run: they
    wait for more than before, never for less. Waits for what was enqueued before
    the run, as a step's inputs are, move in front of it.

    Before:

    ```mlir
    plan.launch add(%a, %a, %b) {hidden = 4} rows portable on compute
    %event = plan.record on compute
    plan.launch add(%b, %b, %c) {hidden = 4} rows portable on compute
    ```

    After:

    ```mlir
    plan.graph_begin 0
    plan.launch add(%a, %a, %b) {hidden = 4} rows portable on compute
    plan.launch add(%b, %b, %c) {hidden = 4} rows portable on compute
    plan.graph_end 0
    %event = plan.record on compute
    ```
  }];
  let dependentDialects = ["::sluice::planir::PlanDialect"];
  let statistics = [
    Statistic<"graphs", "graphs", "Graphs">,
    Statistic<"nodes", "nodes", "Launches and copies in graphs">
  ];
}

def VerifyPlan : Pass<"verify-plan", "::mlir::ModuleOp"> {
  let summary = "Proves that a plan has no races";
  let description = [{
    Runs the race detector of `runtime/plan/hazards.h` over each entry: accesses
    of the same bytes on different streams are ordered by events, what is read
    was written before and not overwritten through another buffer, and weights,
    KV caches and outputs are still there at the end. Changes nothing.

    Refused, for want of an event between the two streams:

    ```mlir
    plan.copy %tokens_host to %tokens rows 4 on demand
    plan.launch embed(%tokens, %table, %h) {vocab = 8, hidden = 4}
        rows portable on compute
    ```
  }];
  let statistics = [
    Statistic<"accesses", "accesses", "Accesses that were checked">
  ];
}

#endif // SLUICE_PASSES_TD
