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

//===----------------------------------------------------------------------===//
// llm -> expert
//===----------------------------------------------------------------------===//

//===----------------------------------------------------------------------===//
// expert -> plan
//===----------------------------------------------------------------------===//

#endif // SLUICE_PASSES_TD
