//===- LlmModelOps.td - Declarations of a model ------------*- tablegen -*-===//
//
// What a module declares beside its entry points: facts, files, weights,
// expert banks, rope tables and KV caches. None of them holds a weight byte.
//
//===----------------------------------------------------------------------===//
#ifndef SLUICE_LLM_MODEL_OPS_TD
#define SLUICE_LLM_MODEL_OPS_TD

include "dialects/llm/LlmDialect.td"

def Llm_ModelOp : Llm_Op<"model", [HasParent<"::mlir::ModuleOp">]> {
  let summary = "Facts of the model and the limits it is compiled for";
  let description = [{
    Stands once in a module. `directory` is the absolute path of the checkpoint,
    `options` the effective compile options as text, for people. `experts` and
    `top_k` are 0 for a model without expert layers. The KV pool of every layer
    has `pages` pages of `page_tokens` tokens; a sequence of `max_positions`
    tokens needs `pages_per_sequence` of them. `activations` is the type of
    hidden states, keys and values.

    ```mlir
    llm.model "demo" {
      activations = bf16, architecture = "Qwen3MoeForCausalLM",
      directory = "/models/demo", experts = 128 : i64, hidden = 128 : i64,
      layers = 6 : i64, max_positions = 4096 : i64, max_sequences = 1 : i64,
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
    Llm_Natural:$parameters,
    Llm_Count:$layers,
    Llm_Count:$hidden,
    Llm_Count:$vocab,
    Llm_Natural:$experts,
    Llm_Natural:$top_k,
    Llm_Count:$max_sequences,
    Llm_Count:$max_positions,
    Llm_Count:$page_tokens,
    Llm_Count:$pages,
    Llm_Count:$pages_per_sequence,
    DenseI64ArrayAttr:$stop_tokens,
    TypeAttr:$activations
  );
  let assemblyFormat = "$name attr-dict";
  let hasVerifier = 1;
}

def Llm_FileOp : Llm_SymbolOp<"file"> {
  let summary = "A file of the checkpoint";
  let description = [{
    `path` is relative to the model's directory. `header_hash` is XXH3-64 of the
    safetensors header (length prefix and JSON), its bits as a signed integer.

    ```mlir
    llm.file @shard0 "model-00001-of-00002.safetensors" {
      bytes = 10485760 : i64, header_hash = -81985529216486896 : i64}
    ```
  }];
  let arguments = (ins
    SymbolNameAttr:$sym_name,
    StrAttr:$path,
    Llm_Count:$bytes,
    I64Attr:$header_hash
  );
  let assemblyFormat = "$sym_name $path attr-dict";
  let hasVerifier = 1;
}

def Llm_WeightOp : Llm_SymbolOp<"weight", [
    DeclareOpInterfaceMethods<SymbolUserOpInterface>]> {
  let summary = "One tensor of a file";
  let description = [{
    `tensor` is its name in the checkpoint, used in errors. The bytes
    [offset, offset + bytes) of the file are its elements in row-major order.

    ```mlir
    llm.weight @final_norm "model.norm.weight" in @shard0 at 4096 size 256
        : tensor<128xbf16>
    ```
  }];
  let arguments = (ins
    SymbolNameAttr:$sym_name,
    StrAttr:$tensor,
    FlatSymbolRefAttr:$file,
    Llm_Natural:$offset,
    Llm_Count:$bytes,
    TypeAttrOf<AnyRankedTensor>:$type
  );
  let assemblyFormat = [{
    $sym_name $tensor `in` $file `at` $offset `size` $bytes `:` $type attr-dict
  }];
  let hasVerifier = 1;
  let extraClassDeclaration = [{
    ::mlir::RankedTensorType getTensorType() {
      return ::mlir::cast<::mlir::RankedTensorType>(getType());
    }
  }];
}

def Llm_ExpertBankOp : Llm_SymbolOp<"expert_bank", [
    DeclareOpInterfaceMethods<SymbolUserOpInterface>]> {
  let summary = "All experts of one layer";
  let description = [{
    One op a layer, so that a model of 48 layers and 128 experts stays small.
    Expert e has three matrices, in this order: gate [inner, hidden], up
    [inner, hidden] and down [hidden, inner]. Matrix m of expert e starts at
    byte `offsets[3 * e + m]` of file `files[file_of[3 * e + m]]` and is
    contiguous. `tensor` is the common prefix of their names.

    ```mlir
    llm.expert_bank @experts0 "model.layers.0.mlp.experts" {
      dtype = bf16, experts = 1 : i64, file_of = array<i32: 0, 0, 0>,
      files = [@shard0], hidden = 128 : i64, inner = 32 : i64,
      layer = 0 : i64, offsets = array<i64: 4096, 12288, 20480>}
    ```
  }];
  let arguments = (ins
    SymbolNameAttr:$sym_name,
    StrAttr:$tensor,
    Llm_Natural:$layer,
    Llm_Count:$experts,
    Llm_Count:$hidden,
    Llm_Count:$inner,
    TypeAttr:$dtype,
    FlatSymbolRefArrayAttr:$files,
    DenseI32ArrayAttr:$file_of,
    DenseI64ArrayAttr:$offsets
  );
  let assemblyFormat = "$sym_name $tensor attr-dict";
  let hasVerifier = 1;
  let extraClassDeclaration = [{
    /// Bytes of one matrix; gate, up and down are equally large.
    int64_t getMatrixBytes() {
      return getHidden() * getInner() *
             (getDtype().getIntOrFloatBitWidth() / 8);
    }
    /// The file of matrix `index` = 3 * expert + (0 gate, 1 up, 2 down).
    ::mlir::FlatSymbolRefAttr getFile(int64_t index) {
      return ::mlir::cast<::mlir::FlatSymbolRefAttr>(
          getFiles()[getFileOf()[index]]);
    }
  }];
}

def Llm_RopeTableOp : Llm_SymbolOp<"rope_table"> {
  let summary = "Cosines and sines of the rotary position embedding";
  let description = [{
    Two f32 tables [positions, head_dim / 2], made at load: the angle of a
    position is float(position) * inverse_frequency in f32; its cosine and sine
    are multiplied by `scale` (YaRN's attention factor, else 1). Linear and YaRN
    scaling are already inside the frequencies.

    ```mlir
    llm.rope_table @rope {
      inverse_frequencies = array<f32: 1.0, 0.1>, positions = 4096 : i64,
      scale = 1.0 : f32}
    ```
  }];
  let arguments = (ins
    SymbolNameAttr:$sym_name,
    DenseF32ArrayAttr:$inverse_frequencies,
    F32Attr:$scale,
    Llm_Count:$positions
  );
  let assemblyFormat = "$sym_name attr-dict";
  let hasVerifier = 1;
  let extraClassDeclaration = [{
    int64_t getHeadDim() { return 2 * getInverseFrequencies().size(); }
  }];
}

def Llm_KvCacheOp : Llm_SymbolOp<"kv_cache"> {
  let summary = "Keys and values of one layer, in pages";
  let description = [{
    Two pools (keys, values) of `type`, which is
    [pages, page_tokens, kv_heads, head_dim]. Contents live from step to step.

    ```mlir
    llm.kv_cache @kv0 {layer = 0 : i64} : tensor<256x16x2x32xbf16>
    ```
  }];
  let arguments = (ins
    SymbolNameAttr:$sym_name,
    Llm_Natural:$layer,
    TypeAttrOf<AnyRankedTensor>:$type
  );
  let assemblyFormat = "$sym_name attr-dict `:` $type";
  let hasVerifier = 1;
  let extraClassDeclaration = [{
    ::mlir::RankedTensorType getTensorType() {
      return ::mlir::cast<::mlir::RankedTensorType>(getType());
    }
    int64_t getPages() { return getTensorType().getDimSize(0); }
    int64_t getPageTokens() { return getTensorType().getDimSize(1); }
    int64_t getKvHeads() { return getTensorType().getDimSize(2); }
    int64_t getHeadDim() { return getTensorType().getDimSize(3); }
  }];
}

#endif // SLUICE_LLM_MODEL_OPS_TD
