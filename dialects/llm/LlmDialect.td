//===- LlmDialect.td - The llm dialect: what is computed ---*- tablegen -*-===//
//
// The dialect itself and the constraints its ops share.
//
//===----------------------------------------------------------------------===//
#ifndef SLUICE_LLM_DIALECT_TD
#define SLUICE_LLM_DIALECT_TD

include "mlir/IR/CommonAttrConstraints.td"
include "mlir/IR/CommonTypeConstraints.td"
include "mlir/IR/OpBase.td"
include "mlir/IR/SymbolInterfaces.td"
include "mlir/Interfaces/InferTypeOpInterface.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

def Llm_Dialect : Dialect {
  let name = "llm";
  let summary = "What a language model computes";
  let description = [{
    The first of Sluice's three dialects. A module is one model:

    ```
      llm.model            its facts: layers, sizes, limits, stop tokens
      llm.file             the files of the checkpoint
      llm.weight           one tensor of a file         }
      llm.expert_bank      all experts of one layer     } symbols, shared by
      llm.rope_table       cosines and sines            } all entry points
      llm.kv_cache         keys and values of a layer   }
      func.func @prefill   a step over many rows
      func.func @decode    a step of one row a sequence
    ```

    Between them stand pure tensor ops, one a kernel mnemonic. A *row* is one
    token of a step; its features are one flat dimension, `tensor<?x128xbf16>`:
    the heads of q, k and v lie side by side in it. The only side effects are
    those on KV caches, named by symbol.

    Arguments and results of an entry point carry `llm.role` (and `llm.layer`
    for recorded routing), the function `llm.max_rows` and
    `llm.max_logit_rows`.
  }];
  let cppNamespace = "::sluice::llm";
  let hasOperationAttrVerify = 1;
  let hasRegionArgAttrVerify = 1;
  let hasRegionResultAttrVerify = 1;
}

class Llm_Op<string mnemonic, list<Trait> traits = []>
    : Op<Llm_Dialect, mnemonic, traits>;

// A declaration: a symbol of the module that computes nothing.
class Llm_SymbolOp<string mnemonic, list<Trait> traits = []>
    : Llm_Op<mnemonic, traits # [Symbol, HasParent<"::mlir::ModuleOp">]>;

def Llm_Activations : 2DTensorOf<[BF16, F32]>;  // [rows, features]
def Llm_Floats : 2DTensorOf<[F32]>;             // [rows, features]
def Llm_Ids : 2DTensorOf<[I32]>;                // [rows, top_k]
def Llm_RowIntegers : 1DTensorOf<[I32]>;        // [rows]
def Llm_PageTable : 2DTensorOf<[I32]>;          // [sequences, pages each]

def Llm_Count : ConfinedAttr<I64Attr, [IntPositive]>;
def Llm_Natural : ConfinedAttr<I64Attr, [IntNonNegative]>;

#endif // SLUICE_LLM_DIALECT_TD
