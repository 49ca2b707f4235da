//===- PlanExpertOps.td - Experts that move in a step ------*- tablegen -*-===//
//
// Slots, banks and the instructions that bring, run and give back experts.
//
//===----------------------------------------------------------------------===//
#ifndef SLUICE_PLAN_EXPERT_OPS_TD
#define SLUICE_PLAN_EXPERT_OPS_TD

include "dialects/plan/PlanDataOps.td"
include "dialects/plan/PlanScheduleOps.td"

//===----------------------------------------------------------------------===//
// Where experts live
//===----------------------------------------------------------------------===//

def Plan_ExpertPoolOp : Plan_DataOp<"expert_pool", [
    Pure, Plan_Named, AttrSizedOperandSegments]> {
  let summary = "Slots on the device, and the host memory behind them";
  let description = [{
    `slots` slots of `slot_bytes` bytes in a device buffer. `host` holds one slot
    image for each expert that lives in host memory, in the order of banks, then
    of experts; `bounce` is a ring of slot images for experts that live on disk
    alone. A wave of experts runs when `wave` bytes of them have arrived; 0: when
    all have. A miss of an expert on disk takes `disk_cost` times as long as one
    of host memory: the policy keeps in slots what would cost most.

    ```mlir
    %pool = plan.expert_pool "pool" in %slots slots 32 of 24576 wave 1048576
        host %images bounce %ring disk_cost 2.000000e+01
    ```
  }];
  let arguments = (ins
    StringProp:$name,
    Plan_Buffer:$buffer,
    I64Prop:$slots,
    I64Prop:$slot_bytes,
    I64Prop:$wave_bytes,
    Optional<Plan_Buffer>:$host,
    Optional<Plan_Buffer>:$bounce,
    OptionalAttr<F32Attr>:$disk_cost
  );
  let results = (outs Plan_Pool:$pool);
  let assemblyFormat = [{
    $name `in` $buffer `slots` $slots `of` $slot_bytes `wave` $wave_bytes
    (`host` $host^)? (`bounce` $bounce^)? (`disk_cost` $disk_cost^)? attr-dict
  }];
  let hasVerifier = 1;
}

def Plan_ExpertBankOp : Plan_DataOp<"expert_bank", [
    Pure, Plan_Named]> {
  let summary = "The experts of one layer";
  let description = [{
    `experts` experts of three matrices each: gate [inner, hidden], up
    [inner, hidden] and down [hidden, inner], at the elements `parts` of a slot.
    The source's ranges put expert e at byte e * slot_bytes. `homes` says of each
    expert where it lives beside the slots (0: host memory, 1: disk), `resident`
    which experts load brings into slots. `missed`, how often a step is expected
    to miss each expert, is for the compiler alone.

    ```mlir
    %bank = plan.expert_bank "layer3" layer 3 in %pool from %source experts 4
        top_k 2 hidden 8 inner 4 parts [0, 128, 256] homes [0, 0, 0, 1]
        resident [2] popularity [0.5, 0.5, 1.0, 0.0]
    ```
  }];
  let arguments = (ins
    StringProp:$name,
    I64Prop:$layer,
    Plan_Pool:$pool,
    Plan_Source:$source,
    I64Prop:$experts,
    I64Prop:$top_k,
    I64Prop:$hidden,
    I64Prop:$inner,
    DenseI64ArrayAttr:$parts,
    DenseI8ArrayAttr:$homes,
    DenseI32ArrayAttr:$resident,
    OptionalAttr<DenseF32ArrayAttr>:$popularity,
    OptionalAttr<DenseI32ArrayAttr>:$successors,
    DefaultValuedProp<I64Prop, "0">:$successor_count,
    OptionalAttr<DenseF32ArrayAttr>:$missed
  );
  let results = (outs Plan_Bank:$bank);
  let assemblyFormat = [{
    $name `layer` $layer `in` $pool `from` $source `experts` $experts
    `top_k` $top_k `hidden` $hidden `inner` $inner `parts` $parts
    `homes` $homes `resident` $resident (`popularity` $popularity^)?
    (`successors` $successors^ `each` $successor_count)?
    (`missed` $missed^)? attr-dict
  }];
  let hasVerifier = 1;
  let extraClassDeclaration = [{
    ExpertPoolOp getPoolOp();
  }];
}

def Plan_PolicyOp : Plan_DataOp<"policy"> {
  let summary = "How the runtime treats experts that move";
  let description = [{
    Which experts leave first (an index of `kPolicyNames`), how missing experts
    run, and how long the compiler thinks one decode step takes (0: not said).

    ```mlir
    plan.policy 3 mode "split" step_ms 12.5
    ```
  }];
  let arguments = (ins I64Prop:$policy, StringProp:$mode, F32Attr:$step_ms);
  let assemblyFormat = "$policy `mode` $mode `step_ms` $step_ms attr-dict";
  let hasVerifier = 1;
}

//===----------------------------------------------------------------------===//
// Instructions
//===----------------------------------------------------------------------===//

class Plan_ExpertOp<string mnemonic, list<Trait> traits = []>
    : Plan_EntryChildOp<mnemonic, traits>;

def Plan_DemandOp : Plan_ExpertOp<"demand"> {
  let summary = "Finds out which experts the rows of a part chose";
  let description = [{
    The host waits for the event, then reads the ids; everything enqueued before
    the event is finished then, whatever its stream waited for. `all` demands the
    experts that no row chose, too.

    ```mlir
    plan.demand %bank part 0 of 1 ids %ids_host after %event
    ```
  }];
  let arguments = (ins
    Plan_Bank:$bank,
    I64Prop:$part,
    I64Prop:$parts,
    Plan_Buffer:$ids,
    Plan_Event:$event,
    UnitProp:$all
  );
  let assemblyFormat = [{
    $bank `part` $part `of` $parts `ids` $ids `after` $event
    (`all` $all^)? attr-dict
  }];
  let hasVerifier = 1;
}

def Plan_SplitOp : Plan_ExpertOp<"split"> {
  let summary = "Gives some missing experts to the CPU";
  let description = [{
    About `share` of their bytes.

    ```mlir
    plan.split %bank part 0 share 0.65
    ```
  }];
  let arguments = (ins Plan_Bank:$bank, I64Prop:$part, F32Attr:$share);
  let assemblyFormat = "$bank `part` $part `share` $share attr-dict";
  let hasVerifier = 1;
}

def Plan_FetchExpertsOp : Plan_ExpertOp<"fetch_experts"> {
  let summary = "Brings the missing experts of a part into slots";
  let description = [{
    On the demand stream, those with most rows first.

    ```mlir
    plan.fetch_experts %bank part 0
    ```
  }];
  let arguments = (ins Plan_Bank:$bank, I64Prop:$part);
  let assemblyFormat = "$bank `part` $part attr-dict";
  let hasVerifier = 1;
}

def Plan_RunHostOp : Plan_ExpertOp<"run_host"> {
  let summary = "Starts the CPU on its experts";
  let description = [{
    Reads `in` [rows, hidden] and writes one row of `outputs` at each pair, both
    in host memory, until the part's plan.join.

    ```mlir
    plan.run_host %bank part 0 (%in_host, %outputs_host)
    ```
  }];
  let arguments = (ins
    Plan_Bank:$bank, I64Prop:$part, Plan_Buffer:$in, Plan_Buffer:$outputs
  );
  let assemblyFormat = "$bank `part` $part `(` $in `,` $outputs `)` attr-dict";
  let hasVerifier = 1;
}

def Plan_RunExpertsOp : Plan_ExpertOp<"run_experts"> {
  let summary = "Runs a part's experts on the GPU, in waves as they arrive";
  let description = [{
    On the compute stream. `in` [rows, hidden]; `inner` f32 [rows, top_k, inner];
    `outputs` f32 [rows, top_k, hidden], of which it writes the pairs of its
    experts, and what it takes over of the CPU's at the end; `tables` and
    `tables_host` i32, 2 * experts + 1 + rows * top_k.

    ```mlir
    plan.run_experts %bank part 0 of 1
        (%in, %inner, %outputs, %tables, %tables_host) portable
    ```
  }];
  let arguments = (ins
    Plan_Bank:$bank,
    I64Prop:$part,
    I64Prop:$parts,
    Plan_Buffer:$in,
    Plan_Buffer:$inner,
    Plan_Buffer:$outputs,
    Plan_Buffer:$tables,
    Plan_Buffer:$tables_host,
    EnumProp<Plan_Arithmetic>:$arithmetic
  );
  let assemblyFormat = [{
    $bank `part` $part `of` $parts
    `(` $in `,` $inner `,` $outputs `,` $tables `,` $tables_host `)`
    $arithmetic attr-dict
  }];
  let hasVerifier = 1;
}

def Plan_JoinOp : Plan_ExpertOp<"join"> {
  let summary = "Lets compute go on with the CPU's results";
  let description = [{
    On the compute stream: waits for the CPU and says in `shares`, i32
    [rows * top_k], how many outputs of each pair it computed, the first ones.
    Its results come from `source` to `staged` where kernels do not reach
    `source`; where they do, `staged` stands for it in every launch.

    ```mlir
    plan.join %bank part 0 (%source, %staged, %shares, %shares_host)
    ```
  }];
  let arguments = (ins
    Plan_Bank:$bank,
    I64Prop:$part,
    Plan_Buffer:$source,
    Plan_Buffer:$staged,
    Plan_Buffer:$shares,
    Plan_Buffer:$shares_host
  );
  let assemblyFormat = [{
    $bank `part` $part
    `(` $source `,` $staged `,` $shares `,` $shares_host `)` attr-dict
  }];
  let hasVerifier = 1;
}

def Plan_ReleaseOp : Plan_ExpertOp<"release"> {
  let summary = "Lets others take a part's slots";
  let description = [{
    With `forget`, what the part brought is gone at once.

    ```mlir
    plan.release %bank part 0
    ```
  }];
  let arguments = (ins Plan_Bank:$bank, I64Prop:$part, UnitProp:$forget);
  let assemblyFormat = "$bank `part` $part (`forget` $forget^)? attr-dict";
  let hasVerifier = 1;
}

def Plan_PrefetchOp : Plan_ExpertOp<"prefetch"> {
  let summary = "Brings experts that a layer will probably want";
  let description = [{
    At most `limit`, on the prefetch stream, as far as demands leave the bus
    idle. The evidence is what `from` was last asked for.

    ```mlir
    plan.prefetch %bank from %previous limit 8
    ```
  }];
  let arguments = (ins
    Plan_Bank:$bank, Optional<Plan_Bank>:$from, I64Prop:$limit
  );
  let assemblyFormat = "$bank (`from` $from^)? `limit` $limit attr-dict";
  let hasVerifier = 1;
}

def Plan_GraphBeginOp : Plan_ExpertOp<"graph_begin"> {
  let summary = "What follows may be captured";
  let description = [{
    Up to the `graph_end` of the same number stand only launches on the compute
    stream and copies on it that are not for recording: work that can be captured
    once and replayed as one.

    ```mlir
    plan.graph_begin 0
    ```
  }];
  let arguments = (ins I64Prop:$graph);
  let assemblyFormat = "$graph attr-dict";
  let hasVerifier = 1;
}

def Plan_GraphEndOp : Plan_ExpertOp<"graph_end"> {
  let summary = "The end of what may be captured";
  let description = [{
    ```mlir
    plan.graph_end 0
    ```
  }];
  let arguments = (ins I64Prop:$graph);
  let assemblyFormat = "$graph attr-dict";
  let hasVerifier = 1;
}

#endif // SLUICE_PLAN_EXPERT_OPS_TD
