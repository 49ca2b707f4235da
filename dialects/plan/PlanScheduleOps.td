//===- PlanScheduleOps.td - Entry points of a plan ---------*- tablegen -*-===//
//
// Entry points and their instructions.
//
//===----------------------------------------------------------------------===//
#ifndef SLUICE_PLAN_SCHEDULE_OPS_TD
#define SLUICE_PLAN_SCHEDULE_OPS_TD

include "dialects/plan/PlanDialect.td"

class Plan_EntryChildOp<string mnemonic, list<Trait> traits = []>
    : Plan_Op<mnemonic, traits # [HasParent<"EntryOp">]>;

def Plan_EntryOp : Plan_Op<"entry", [
    Symbol, HasParent<"::mlir::ModuleOp">, SingleBlock, NoTerminator]> {
  let summary = "An entry point: ports and instructions";
  let description = [{
    A step runs one entry over at most `max_rows` rows, of which the logits of
    at most `max_logit_rows` are wanted. `@load` runs once and has neither.
    Instructions stand in the order in which they are enqueued.

    ```mlir
    plan.entry @decode rows 1 logit_rows 1 {
      plan.input tokens %tokens_host
      plan.copy %tokens_host to %tokens rows 4 on demand
      plan.output logits layer 0 %logits_host
    }
    ```
  }];
  let arguments = (ins
    SymbolNameAttr:$sym_name,
    I64Prop:$max_rows,
    I64Prop:$max_logit_rows
  );
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = [{
    $sym_name `rows` $max_rows `logit_rows` $max_logit_rows
    attr-dict-with-keyword $body
  }];
  let hasVerifier = 1;
  let hasRegionVerifier = 1;
  let extraClassDeclaration = [{
    /// The most rows of this kind; 1 for fixed.
    int64_t getLimit(Rows rows);
    bool isLoad() { return getSymName() == kLoad; }
  }];
}

class Plan_PortOp<string mnemonic, string text> : Plan_EntryChildOp<mnemonic> {
  let summary = text;
  let arguments = (ins
    EnumProp<Plan_Role>:$role,
    DefaultValuedProp<I64Prop, "0">:$layer,
    Plan_Buffer:$buffer
  );
  let assemblyFormat = "$role (`layer` $layer^)? $buffer attr-dict";
  let hasVerifier = 1;
}

def Plan_InputOp : Plan_PortOp<"input", "A host buffer the runtime fills"> {
  let description = [{
    Filled before the entry runs.

    ```mlir
    plan.input tokens %tokens_host
    ```
  }];
}

def Plan_OutputOp : Plan_PortOp<"output", "A host buffer the runtime reads"> {
  let description = [{
    Read after the entry has run. Routing belongs to a layer.

    ```mlir
    plan.output expert_ids layer 3 %ids_host
    ```
  }];
}

def Plan_LaunchOp : Plan_EntryChildOp<"launch"> {
  let summary = "Runs a kernel";
  let description = [{
    Operands, dims and scalars are those of the kernel's signature
    (kernels/signatures.h), which the verifier checks them against: how many,
    element types, bytes for the most rows of the entry. `none` stands for an
    optional operand that is absent. Dims and scalars are named in print.

    ```mlir
    plan.launch linear(%in, %weight, none, %out) {inputs = 128, outputs = 256}
        rows portable on compute
    ```
  }];
  let arguments = (ins
    StringProp:$kernel,
    Variadic<Plan_Buffer>:$buffers,
    I64Prop:$present,
    IntArrayProp<I64Prop>:$dims,
    DenseF32ArrayAttr:$scalars,
    EnumProp<Plan_Rows>:$rows,
    EnumProp<Plan_Arithmetic>:$arithmetic,
    EnumProp<Plan_Stream>:$stream
  );
  let assemblyFormat = [{
    custom<Call>($kernel, $buffers, $present, $dims, $scalars)
    $rows $arithmetic `on` $stream attr-dict
  }];
  let builders = [OpBuilder<(ins
    "::llvm::StringRef":$kernel, "::llvm::ArrayRef<::mlir::Value>":$operands,
    "::llvm::ArrayRef<int64_t>":$dims, "::llvm::ArrayRef<float>":$scalars,
    "::sluice::planir::Rows":$rows, "::sluice::planir::Class":$arithmetic)>];
  let hasVerifier = 1;
  let extraClassDeclaration = [{
    /// The operands by their place in the signature; null where absent.
    ::llvm::SmallVector<::mlir::Value> getSignatureOperands();
  }];
}

def Plan_CopyOp : Plan_EntryChildOp<"copy"> {
  let summary = "Copies between host and device";
  let description = [{
    `bytes` in all for `fixed` rows, else `bytes` a row. A `recording` copy runs
    only while routing is recorded.

    ```mlir
    plan.copy %ids to %ids_host rows 32 recording on copy_back
    ```
  }];
  let arguments = (ins
    Plan_Buffer:$source,
    Plan_Buffer:$target,
    EnumProp<Plan_Rows>:$rows,
    I64Prop:$bytes,
    UnitProp:$recording,
    EnumProp<Plan_Stream>:$stream
  );
  let assemblyFormat = [{
    $source `to` $target $rows $bytes (`recording` $recording^)?
    `on` $stream attr-dict
  }];
  let hasVerifier = 1;
}

def Plan_FetchOp : Plan_EntryChildOp<"fetch"> {
  let summary = "Brings a source from disk into a buffer";
  let description = [{
    Only in `@load`.

    ```mlir
    plan.fetch %norm into %norm_weight on demand
    ```
  }];
  let arguments = (ins
    Plan_Source:$source,
    Plan_Buffer:$target,
    EnumProp<Plan_Stream>:$stream
  );
  let assemblyFormat = "$source `into` $target `on` $stream attr-dict";
  let hasVerifier = 1;
}

def Plan_RecordOp : Plan_EntryChildOp<"record"> {
  let summary = "Marks a point of a stream";
  let description = [{
    ```mlir
    %event = plan.record on demand
    ```

    Folds away when nothing waits for it.
  }];
  let arguments = (ins EnumProp<Plan_Stream>:$stream);
  let results = (outs Plan_Event:$event);
  let assemblyFormat = "`on` $stream attr-dict";
  let hasCanonicalizeMethod = 1;
}

def Plan_WaitOp : Plan_EntryChildOp<"wait"> {
  let summary = "Makes a stream wait for an event";
  let description = [{
    What follows on the stream starts after everything that stood before the
    event's record on its own stream.

    ```mlir
    plan.wait %event on compute
    ```

    Folds away on the stream that recorded the event: a stream is in order anyway.
  }];
  let arguments = (ins Plan_Event:$event, EnumProp<Plan_Stream>:$stream);
  let assemblyFormat = "$event `on` $stream attr-dict";
  let hasVerifier = 1;
  let hasCanonicalizeMethod = 1;
}

#endif // SLUICE_PLAN_SCHEDULE_OPS_TD
