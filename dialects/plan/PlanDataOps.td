//===- PlanDataOps.td - Memory and facts of a plan ---------*- tablegen -*-===//
//
// What a plan declares beside its entry points.
//
//===----------------------------------------------------------------------===//
#ifndef SLUICE_PLAN_DATA_OPS_TD
#define SLUICE_PLAN_DATA_OPS_TD

include "dialects/plan/PlanDialect.td"

class Plan_DataOp<string mnemonic, list<Trait> traits = []>
    : Plan_Op<mnemonic, traits # [HasParent<"::mlir::ModuleOp">]>;

def Plan_ModelOp : Plan_DataOp<"model"> {
  let summary = "Facts of the model that the decode loop and people need";
  let description = [{
    The fields of plan.fbs's `Model`, the model's absolute directory and the
    effective compile options as text. Stands once in a module.

    ```mlir
    plan.model "demo" {
      architecture = "Qwen3MoeForCausalLM", directory = "/models/demo",
      experts = 128 : i64, hidden = 128 : i64, layers = 6 : i64,
      max_positions = 4096 : i64, max_sequences = 1 : i64,
      options = "--batch 1", page_tokens = 16 : i64, pages = 256 : i64,
      pages_per_sequence = 256 : i64, parameters = 10360000 : i64,
      stop_tokens = array<i64: 2047>, top_k = 8 : i64, vocab = 2048 : i64}
    ```
  }];
  let arguments = (ins
    StrAttr:$name,
    StrAttr:$architecture,
    StrAttr:$directory,
    StrAttr:$options,
    I64Attr:$parameters,
    I64Attr:$layers,
    I64Attr:$hidden,
    I64Attr:$vocab,
    I64Attr:$experts,
    I64Attr:$top_k,
    I64Attr:$max_sequences,
    I64Attr:$max_positions,
    I64Attr:$page_tokens,
    I64Attr:$pages,
    I64Attr:$pages_per_sequence,
    DenseI64ArrayAttr:$stop_tokens
  );
  let assemblyFormat = "$name attr-dict";
  let hasVerifier = 1;
}

def Plan_FileOp : Plan_DataOp<"file", [Pure, Plan_Named]> {
  let summary = "A file of the checkpoint";
  let description = [{
    `path` is relative to the model's directory, `hash` the XXH3-64 of the
    safetensors header, its bits as a signed integer.

    ```mlir
    %file = plan.file "model.safetensors" size 4096 hash -81985529216486896
    ```
  }];
  let arguments = (ins StringProp:$path, I64Prop:$bytes, I64Prop:$hash);
  let results = (outs Plan_File:$file);
  let assemblyFormat = "$path `size` $bytes `hash` $hash attr-dict";
  let hasVerifier = 1;
}

def Plan_ArenaOp : Plan_DataOp<"arena", [Pure, Plan_Named]> {
  let summary = "One allocation, made once at load";
  let description = [{
    ```mlir
    %workspace = plan.arena "workspace" device size 65536
    ```
  }];
  let arguments = (ins
    StringProp:$name,
    EnumProp<Plan_Memory>:$memory,
    I64Prop:$bytes
  );
  let results = (outs Plan_Arena:$arena);
  let assemblyFormat = "$name $memory `size` $bytes attr-dict";
  let hasVerifier = 1;
}

def Plan_BufferOp : Plan_DataOp<"buffer", [Pure, Plan_Named]> {
  let summary = "A typed range of an arena";
  let description = [{
    Bytes [offset, offset + bytes) of the arena; the offset is a multiple of 256.
    Buffers of one arena may overlap when they are never live together, which
    verify-plan proves.

    ```mlir
    %hidden = plan.buffer "decode.hidden" in %workspace[0, 256] : bf16
    ```
  }];
  let arguments = (ins
    StringProp:$name,
    Plan_Arena:$arena,
    I64Prop:$offset,
    I64Prop:$bytes,
    TypeAttr:$dtype
  );
  let results = (outs Plan_Buffer:$buffer);
  let assemblyFormat = [{
    $name `in` $arena `[` $offset `,` $bytes `]` `:` $dtype attr-dict
  }];
  let hasVerifier = 1;
  let extraClassDeclaration = [{
    ArenaOp getArenaOp() { return getArena().getDefiningOp<ArenaOp>(); }
    int64_t getEnd() { return getOffset() + getBytes(); }
  }];
}

def Plan_SourceOp : Plan_DataOp<"source", [Pure, Plan_Named]> {
  let summary = "A weight, or all experts of a layer, as ranges of files";
  let description = [{
    Each range is [file, source offset, target offset, bytes]: which of the op's
    files, where in it, and where in the buffer that the source is fetched into.
    Ranges of one source never overlap in the buffer.

    ```mlir
    %norm = plan.source "model.norm.weight" from %file ranges [[0, 4096, 0, 256]]
    ```
  }];
  let arguments = (ins
    StringProp:$tensor,
    Variadic<Plan_File>:$files,
    IntArrayProp<I64Prop>:$ranges
  );
  let results = (outs Plan_Source:$source);
  let assemblyFormat = [{
    $tensor `from` $files `ranges` custom<Ranges>($ranges) attr-dict
  }];
  let hasVerifier = 1;
  let extraClassDeclaration = [{
    /// One byte range; `file` indexes the op's operands.
    struct Range {
      int64_t file, source, target, bytes;
    };
    size_t getRangeCount() { return getRanges().size() / 4; }
    Range getRange(size_t index) {
      auto range = getRanges().slice(4 * index, 4);
      return {range[0], range[1], range[2], range[3]};
    }
    /// Where the last range ends in the target.
    int64_t getTargetEnd();
  }];
}

def Plan_ConstantOp : Plan_DataOp<"constant"> {
  let summary = "Small data known at compile time";
  let description = [{
    What an i32 buffer holds from load on: the slot of each expert of a layer.

    ```mlir
    plan.constant %slots = [0, 1, 2, 3]
    ```
  }];
  let arguments = (ins Plan_Buffer:$buffer, DenseI32ArrayAttr:$data);
  let assemblyFormat = "$buffer `=` $data attr-dict";
  let hasVerifier = 1;
}

def Plan_RopeTableOp : Plan_DataOp<"rope_table"> {
  let summary = "Cosines and sines, made once on the host";
  let description = [{
    Two f32 buffers [positions, frequencies].

    ```mlir
    plan.rope_table %cos, %sin positions 4096 scale 1.0
        frequencies [1.0, 0.1]
    ```
  }];
  let arguments = (ins
    Plan_Buffer:$cos,
    Plan_Buffer:$sin,
    I64Prop:$positions,
    F32Attr:$scale,
    DenseF32ArrayAttr:$frequencies
  );
  let assemblyFormat = [{
    $cos `,` $sin `positions` $positions `scale` $scale
    `frequencies` $frequencies attr-dict
  }];
  let hasVerifier = 1;
}

def Plan_MemoryOp : Plan_DataOp<"memory"> {
  let summary = "One line of the memory table";
  let description = [{
    ```mlir
    plan.memory "KV cache" device size 12582912
    ```
  }];
  let arguments = (ins
    StringProp:$name,
    EnumProp<Plan_Memory>:$memory,
    I64Prop:$bytes
  );
  let assemblyFormat = "$name $memory `size` $bytes attr-dict";
  let hasVerifier = 1;
}

#endif // SLUICE_PLAN_DATA_OPS_TD
