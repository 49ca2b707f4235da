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
    Statistic<"routers", "route", "Routers fused">
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
    the verifier of `expert.resident`. Otherwise each layer's experts are
    demanded, fetched, awaited, run and released in each step, in as many slots
    as the budget holds.

    Before:

    ```mlir
    %y = llm.experts %x, %ids, %weights, @experts0
        : tensor<?x128xbf16>, tensor<?x8xi32>, tensor<?x8xf32>
    ```

    After, where not all experts fit:

    ```mlir
    %set = expert.demand %ids : tensor<?x8xi32> -> !expert.set<@experts0>
    %ticket = expert.fetch %set into @pool
        : !expert.set<@experts0> -> !expert.ticket<@experts0>
    %slots = expert.await %ticket
        : !expert.ticket<@experts0> -> !expert.slots<@experts0>
    %y = expert.run %x, %weights, %set, %slots
        : tensor<?x128xbf16>, tensor<?x8xf32>, !expert.set<@experts0>,
          !expert.slots<@experts0>
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
           "Bytes of GPU memory for expert slots">
  ];
  let statistics = [
    Statistic<"pools", "pools", "Pools of expert slots">,
    Statistic<"pinned", "pinned", "Layers whose experts stay in the pool">,
    Statistic<"fetches", "fetches", "Fetches inside entry points">
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
