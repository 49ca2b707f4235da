//===- LlmComputeOps.td - Tensor ops of the llm dialect ----*- tablegen -*-===//
//
// One op a kernel mnemonic (kernels/signatures.h), and `llm.experts`, which the
// expert dialect takes apart. All are functions of a row: what a row gives
// depends on no other row, except through the KV cache of its own sequence.
//
//===----------------------------------------------------------------------===//
#ifndef SLUICE_LLM_COMPUTE_OPS_TD
#define SLUICE_LLM_COMPUTE_OPS_TD

include "dialects/llm/LlmDialect.td"

class Llm_PureOp<string mnemonic, list<Trait> traits = []>
    : Llm_Op<mnemonic, traits # [Pure]>;

// An op that names symbols: weights, tables, caches or banks.
defvar Llm_User = DeclareOpInterfaceMethods<SymbolUserOpInterface>;

def Llm_EmbedOp : Llm_PureOp<"embed", [Llm_User]> {
  let summary = "Looks up the embedding of each token";
  let description = [{
    Row r is row `tokens[r]` of the table [vocab, hidden], converted to the
    activation type.

    ```mlir
    %h = llm.embed %tokens, @embed_tokens
        : tensor<?xi32> -> tensor<?x128xbf16>
    ```
  }];
  let arguments = (ins Llm_RowIntegers:$tokens, FlatSymbolRefAttr:$table);
  let results = (outs Llm_Activations:$out);
  let assemblyFormat = [{
    $tokens `,` $table attr-dict `:` type($tokens) `->` type($out)
  }];
}

def Llm_LinearOp : Llm_PureOp<"linear", [Llm_User]> {
  let summary = "Multiplies each row by a weight matrix";
  let description = [{
    y = x W^T (+ bias) for a weight [outputs, inputs] as checkpoints store it,
    accumulated in f32 and rounded once. Element types of input and output are
    free of each other: router and vocabulary logits are f32.

    ```mlir
    %q = llm.linear %x, @q_proj bias @q_bias
        : tensor<?x128xbf16> -> tensor<?x128xbf16>
    ```
  }];
  let arguments = (ins
    Llm_Activations:$in,
    FlatSymbolRefAttr:$weight,
    OptionalAttr<FlatSymbolRefAttr>:$bias
  );
  let results = (outs Llm_Activations:$out);
  let assemblyFormat = [{
    $in `,` $weight (`bias` $bias^)? attr-dict `:` type($in) `->` type($out)
  }];
}

def Llm_LinearGroupOp : Llm_PureOp<"linear_group", [Llm_User]> {
  let summary = "Multiplies each row by two or three weight matrices";
  let description = [{
    Same bits as an `llm.linear` for each result, over the same rows in one
    kernel. With biases each matrix has one.

    ```mlir
    %q, %k, %v = llm.linear_group %x, [@q_proj, @k_proj, @v_proj]
        bias [@q_bias, @k_bias, @v_bias] : tensor<?x128xbf16>
        -> tensor<?x128xbf16>, tensor<?x64xbf16>, tensor<?x64xbf16>
    ```
  }];
  let arguments = (ins
    Llm_Activations:$in,
    FlatSymbolRefArrayAttr:$weights,
    OptionalAttr<FlatSymbolRefArrayAttr>:$biases
  );
  let results = (outs Variadic<Llm_Activations>:$outs);
  let assemblyFormat = [{
    $in `,` $weights (`bias` $biases^)? attr-dict
    `:` type($in) `->` type($outs)
  }];
  let extraClassDeclaration = [{
    ::mlir::FlatSymbolRefAttr getWeight(unsigned matrix) {
      return ::mlir::cast<::mlir::FlatSymbolRefAttr>(getWeights()[matrix]);
    }
    /// Null where the group has no biases.
    ::mlir::FlatSymbolRefAttr getBias(unsigned matrix) {
      return getBiases() ? ::mlir::cast<::mlir::FlatSymbolRefAttr>(
                               (*getBiases())[matrix])
                         : ::mlir::FlatSymbolRefAttr();
    }
  }];
}

def Llm_RmsNormOp : Llm_PureOp<"rms_norm", [
    Llm_User, SameOperandsAndResultType]> {
  let summary = "Root-mean-square normalisation";
  let description = [{
    y = w * (x / sqrt(mean(x^2) + eps)) over groups of the weight's width: one
    group for a hidden state, one a head for q and k.

    ```mlir
    %n = llm.rms_norm %h, @input_norm0 {eps = 1.0e-6 : f32}
        : tensor<?x128xbf16>
    ```
  }];
  let arguments = (ins
    Llm_Activations:$in,
    FlatSymbolRefAttr:$weight,
    F32Attr:$eps
  );
  let results = (outs Llm_Activations:$out);
  let assemblyFormat = "$in `,` $weight attr-dict `:` type($out)";
}

def Llm_AddOp : Llm_PureOp<"add", [Commutative, SameOperandsAndResultType]> {
  let summary = "Adds two activations";
  let description = [{
    The residual connection: added in f32, rounded to the activation type.

    ```mlir
    %h1 = llm.add %h, %attention : tensor<?x128xbf16>
    ```
  }];
  let arguments = (ins Llm_Activations:$a, Llm_Activations:$b);
  let results = (outs Llm_Activations:$out);
  let assemblyFormat = "$a `,` $b attr-dict `:` type($out)";
  let hasVerifier = 1;
}

def Llm_AddRmsNormOp : Llm_PureOp<"add_rms_norm", [
    Llm_User, SameOperandsAndResultType]> {
  let summary = "Adds two activations and normalises the sum";
  let description = [{
    Same bits as `llm.add` followed by `llm.rms_norm` with a single group: the
    norm reads the rounded sum.

    ```mlir
    %sum, %out = llm.add_rms_norm %h, %attention, @post_norm0
        {eps = 1.0e-6 : f32} : tensor<?x128xbf16>
    ```
  }];
  let arguments = (ins
    Llm_Activations:$a,
    Llm_Activations:$b,
    FlatSymbolRefAttr:$weight,
    F32Attr:$eps
  );
  let results = (outs Llm_Activations:$sum, Llm_Activations:$out);
  let assemblyFormat = "$a `,` $b `,` $weight attr-dict `:` type($out)";
  let hasCanonicalizeMethod = 1;
}

def Llm_RopeOp : Llm_PureOp<"rope", [
    Llm_User, AllTypesMatch<["in", "out"]>]> {
  let summary = "Rotates each head by its row's position";
  let description = [{
    Half split: element i pairs with i + head_dim / 2. The table gives head_dim.

    ```mlir
    %r = llm.rope %q, %positions, @rope
        : tensor<?x128xbf16>, tensor<?xi32>
    ```
  }];
  let arguments = (ins
    Llm_Activations:$in,
    Llm_RowIntegers:$positions,
    FlatSymbolRefAttr:$table
  );
  let results = (outs Llm_Activations:$out);
  let assemblyFormat = [{
    $in `,` $positions `,` $table attr-dict `:` type($in) `,` type($positions)
  }];
}

def Llm_KvWriteOp : Llm_Op<"kv_write", [
    Llm_User, AllTypesMatch<["k", "v"]>,
    AllTypesMatch<["positions", "sequences"]>,
    DeclareOpInterfaceMethods<MemoryEffectsOpInterface>]> {
  let summary = "Writes keys and values of the step's rows into the cache";
  let description = [{
    Row r goes to the page `page_table[sequences[r]][positions[r] /
    page_tokens]`, slot positions[r] mod page_tokens.

    ```mlir
    llm.kv_write %k, %v, %positions, %sequences, %page_table, @kv0
        : tensor<?x64xbf16>, tensor<?xi32>, tensor<1x256xi32>
    ```
  }];
  let arguments = (ins
    Llm_Activations:$k,
    Llm_Activations:$v,
    Llm_RowIntegers:$positions,
    Llm_RowIntegers:$sequences,
    Llm_PageTable:$page_table,
    FlatSymbolRefAttr:$cache
  );
  let assemblyFormat = [{
    $k `,` $v `,` $positions `,` $sequences `,` $page_table `,` $cache attr-dict
    `:` type($k) `,`
    type($positions) `,` type($page_table)
  }];
}

def Llm_QkNormRopeWriteOp : Llm_Op<"qk_norm_rope_write", [
    Llm_User, AllTypesMatch<["q", "out"]>, AllTypesMatch<["k", "v"]>,
    AllTypesMatch<["positions", "sequences"]>,
    DeclareOpInterfaceMethods<MemoryEffectsOpInterface>]> {
  let summary = "Normalises and rotates q and k, and writes k and v";
  let description = [{
    Same bits as `llm.rms_norm` of q and of k per head, `llm.rope` of both and
    `llm.kv_write`, in one kernel. The result is the rotated q.

    ```mlir
    %r = llm.qk_norm_rope_write %q, %k, %v, %positions, %sequences, %page_table
        norm @q_norm0, @k_norm0 rope @rope cache @kv0 {eps = 1.0e-6 : f32}
        : tensor<?x128xbf16>, tensor<?x64xbf16>, tensor<?xi32>,
          tensor<1x256xi32>
    ```
  }];
  let arguments = (ins
    Llm_Activations:$q,
    Llm_Activations:$k,
    Llm_Activations:$v,
    Llm_RowIntegers:$positions,
    Llm_RowIntegers:$sequences,
    Llm_PageTable:$page_table,
    FlatSymbolRefAttr:$q_weight,
    FlatSymbolRefAttr:$k_weight,
    FlatSymbolRefAttr:$table,
    FlatSymbolRefAttr:$cache,
    F32Attr:$eps
  );
  let results = (outs Llm_Activations:$out);
  let assemblyFormat = [{
    $q `,` $k `,` $v `,` $positions `,` $sequences `,` $page_table
    `norm` $q_weight `,` $k_weight `rope` $table `cache` $cache attr-dict
    `:` type($q) `,` type($k)
    `,` type($positions) `,` type($page_table)
  }];
}

def Llm_AttentionOp : Llm_Op<"attention", [
    Llm_User, AllTypesMatch<["q", "out"]>,
    AllTypesMatch<["positions", "sequences"]>,
    DeclareOpInterfaceMethods<MemoryEffectsOpInterface>]> {
  let summary = "Causal attention of each row over its cached sequence";
  let description = [{
    Row r attends to positions 0 .. positions[r] of its sequence. Query head h
    reads key head h / (heads / kv_heads); the cache gives kv_heads and
    head_dim. Reads the cache: it stays behind the write of its own rows.

    ```mlir
    %a = llm.attention %q, %positions, %sequences, %page_table, @kv0
        {scale = 0.17677669 : f32}
        : tensor<?x128xbf16>, tensor<?xi32>, tensor<1x256xi32>
    ```
  }];
  let arguments = (ins
    Llm_Activations:$q,
    Llm_RowIntegers:$positions,
    Llm_RowIntegers:$sequences,
    Llm_PageTable:$page_table,
    FlatSymbolRefAttr:$cache,
    F32Attr:$scale
  );
  let results = (outs Llm_Activations:$out);
  let assemblyFormat = [{
    $q `,` $positions `,` $sequences `,` $page_table `,` $cache attr-dict
    `:` type($q) `,`
    type($positions) `,` type($page_table)
  }];
}

def Llm_SoftmaxOp : Llm_PureOp<"softmax", [SameOperandsAndResultType]> {
  let summary = "Softmax of each row, in f32";
  let description = [{
    ```mlir
    %p = llm.softmax %logits : tensor<?x128xf32>
    ```
  }];
  let arguments = (ins Llm_Floats:$in);
  let results = (outs Llm_Floats:$out);
  let assemblyFormat = "$in attr-dict `:` type($out)";
  let hasVerifier = 1;
}

class Llm_ChooseOp<string mnemonic> : Llm_PureOp<mnemonic> {
  let results = (outs Llm_Ids:$ids, Llm_Floats:$weights);
  let assemblyFormat = [{
    $in attr-dict `:` type($in) `->` type($ids) `,` type($weights)
  }];
  let hasVerifier = 1;
  let extraClassDeclaration = [{
    int64_t getExperts() { return getIn().getType().getDimSize(1); }
    int64_t getTopK() { return getIds().getType().getDimSize(1); }
  }];
}

def Llm_TopKOp : Llm_ChooseOp<"top_k"> {
  let summary = "The largest values of each row and where they are";
  let description = [{
    Largest first, ties to the smaller index. With `normalize` the chosen values
    are divided by their sum. The result type says how many.

    ```mlir
    %ids, %weights = llm.top_k %p {normalize}
        : tensor<?x128xf32> -> tensor<?x8xi32>, tensor<?x8xf32>
    ```
  }];
  let arguments = (ins Llm_Floats:$in, UnitAttr:$normalize);
}

def Llm_RouteOp : Llm_ChooseOp<"route"> {
  let summary = "The router: softmax, top-k and renormalisation in one";
  let description = [{
    Same bits as `llm.softmax` followed by `llm.top_k`.

    ```mlir
    %ids, %weights = llm.route %logits {normalize}
        : tensor<?x128xf32> -> tensor<?x8xi32>, tensor<?x8xf32>
    ```
  }];
  let arguments = (ins Llm_Floats:$in, UnitAttr:$normalize);
}

def Llm_AddNormRouteOp : Llm_PureOp<"add_norm_route", [
    Llm_User, AllTypesMatch<["a", "b", "sum", "out"]>]> {
  let summary = "Adds two activations, normalises the sum and routes by it";
  let description = [{
    Same bits as `llm.add_rms_norm`, an `llm.linear` of the norm without a bias,
    and `llm.route` of the logits that it gives.

    ```mlir
    %sum, %out, %logits, %ids, %weights = llm.add_norm_route %h, %attention
        norm @post_norm0 router @router0 {eps = 1.0e-6 : f32, normalize}
        : tensor<?x128xbf16>
        -> tensor<?x128xf32>, tensor<?x8xi32>, tensor<?x8xf32>
    ```
  }];
  let arguments = (ins
    Llm_Activations:$a,
    Llm_Activations:$b,
    FlatSymbolRefAttr:$norm_weight,
    FlatSymbolRefAttr:$router_weight,
    UnitAttr:$normalize,
    F32Attr:$eps
  );
  let results = (outs
    Llm_Activations:$sum,
    Llm_Activations:$out,
    Llm_Floats:$logits,
    Llm_Ids:$ids,
    Llm_Floats:$weights
  );
  let assemblyFormat = [{
    $a `,` $b `norm` $norm_weight `router` $router_weight attr-dict
    `:` type($a) `->` type($logits) `,` type($ids) `,` type($weights)
  }];
  let extraClassDeclaration = [{
    int64_t getExperts() { return getLogits().getType().getDimSize(1); }
    int64_t getTopK() { return getIds().getType().getDimSize(1); }
  }];
}

def Llm_SwigluOp : Llm_PureOp<"swiglu", [SameOperandsAndResultType]> {
  let summary = "silu(gate) * up";
  let description = [{
    The activation of a dense layer; experts have theirs inside.

    ```mlir
    %i = llm.swiglu %gate, %up : tensor<?x256xbf16>
    ```
  }];
  let arguments = (ins Llm_Activations:$gate, Llm_Activations:$up);
  let results = (outs Llm_Activations:$out);
  let assemblyFormat = "$gate `,` $up attr-dict `:` type($out)";
  let hasVerifier = 1;
}

def Llm_ExpertsOp : Llm_PureOp<"experts", [
    Llm_User, AllTypesMatch<["in", "out"]>]> {
  let summary = "Runs each row through its chosen experts and sums them";
  let description = [{
    out[r] = sum over ranks i of weights[r][i] * expert(ids[r][i])(in[r]), added
    in rank order. Says nothing of where the experts' weights are: that is the
    expert dialect's.

    ```mlir
    %m = llm.experts %x, %ids, %weights, @experts0
        : tensor<?x128xbf16>, tensor<?x8xi32>, tensor<?x8xf32>
    ```
  }];
  let arguments = (ins
    Llm_Activations:$in,
    Llm_Ids:$ids,
    Llm_Floats:$weights,
    FlatSymbolRefAttr:$bank
  );
  let results = (outs Llm_Activations:$out);
  let assemblyFormat = [{
    $in `,` $ids `,` $weights `,` $bank attr-dict
    `:` type($in) `,` type($ids) `,` type($weights)
  }];
}

def Llm_SelectRowsOp : Llm_PureOp<"select_rows"> {
  let summary = "Takes the rows whose logits are wanted";
  let description = [{
    Row s of the result is row `rows[s]` of the input. Moves in front of ops
    that treat each row alone, so that they run on fewer rows.

    ```mlir
    %s = llm.select_rows %h, %logit_rows
        : tensor<?x128xbf16>, tensor<?xi32> -> tensor<?x128xbf16>
    ```
  }];
  let arguments = (ins Llm_Activations:$in, Llm_RowIntegers:$rows);
  let results = (outs Llm_Activations:$out);
  let assemblyFormat = [{
    $in `,` $rows attr-dict `:` type($in) `,` type($rows) `->` type($out)
  }];
  let hasVerifier = 1;
  let hasCanonicalizer = 1;
}

#endif // SLUICE_LLM_COMPUTE_OPS_TD
