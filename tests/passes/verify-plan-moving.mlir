// RUN: sluice-opt %s --verify-plan --split-input-file --verify-diagnostics

// Experts that move: what the host, its worker and the streams owe each other.

// Experts that move, shared with the CPU: the demand's event is all that orders ids and rows,
// the join all that orders what the CPU wrote.
%w = plan.arena "weights" device size 256
%e = plan.arena "experts" device size 1536
%ws = plan.arena "workspace" device size 4096
%io = plan.arena "io" host size 4096
%f = plan.file "f" size 65536 hash 0
%table = plan.buffer "table" in %w[0, 256] : f32
%pool_slots = plan.buffer "pool" in %e[0, 1536] : f32
%images = plan.buffer "images" in %io[0, 1536] : f32
%weights = plan.source "table" from %f ranges [[0, 0, 0, 256]]
%source = plan.source "a" from %f ranges [[0, 256, 0, 192], [0, 448, 768, 192]]
%tokens_host = plan.buffer "tokens_host" in %io[1536, 4] : i32
%ids = plan.buffer "ids" in %io[1792, 4] : i32
%rows = plan.buffer "rows" in %io[2048, 32] : f32
%results = plan.buffer "results" in %io[2304, 32] : f32
%tables_host = plan.buffer "tables_host" in %io[2560, 24] : i32
%shares_host = plan.buffer "shares_host" in %io[2816, 4] : i32
%logits = plan.buffer "logits" in %io[3072, 32] : f32
%tokens = plan.buffer "tokens" in %ws[0, 4] : i32
%in = plan.buffer "in" in %ws[256, 32] : f32
%inner = plan.buffer "inner" in %ws[512, 32] : f32
%outputs = plan.buffer "outputs" in %ws[768, 32] : f32
%tables = plan.buffer "tables" in %ws[1024, 24] : i32
%staged = plan.buffer "staged" in %ws[1280, 32] : f32
%shares = plan.buffer "shares" in %ws[1536, 4] : i32
%sum = plan.buffer "sum" in %ws[1792, 32] : f32
%pool = plan.expert_pool "pool" in %pool_slots slots 2 of 768 wave 768 host %images
%a = plan.expert_bank "a" layer 0 in %pool from %source experts 2 top_k 1 hidden 8 inner 4
    parts [0, 64, 128] homes [0, 0] resident []
plan.entry @load rows 0 logit_rows 0 {
  plan.fetch %weights into %table on demand
}
plan.entry @decode rows 1 logit_rows 1 {
  plan.input tokens %tokens_host
  plan.copy %tokens_host to %tokens rows 4 on compute
  plan.launch embed(%tokens, %table, %in) {vocab = 8, hidden = 8} rows portable on compute
  plan.copy %tokens to %ids rows 4 on compute
  plan.copy %in to %rows rows 32 on compute
  %event = plan.record on compute
  plan.demand %a part 0 of 1 ids %ids after %event
  plan.split %a part 0 share 0.5
  plan.fetch_experts %a part 0
  plan.run_host %a part 0 (%rows, %results)
  plan.run_experts %a part 0 of 1 (%in, %inner, %outputs, %tables, %tables_host) portable
  plan.join %a part 0 (%results, %staged, %shares, %shares_host)
  plan.release %a part 0
  %made = plan.record on compute
  plan.wait %made on copy_back
  plan.output logits %logits
  plan.copy %outputs to %logits logit_rows 32 on copy_back
}

// -----

// The event of the demand is recorded before the ids are copied.
%w = plan.arena "weights" device size 256
%e = plan.arena "experts" device size 1536
%ws = plan.arena "workspace" device size 4096
%io = plan.arena "io" host size 4096
%f = plan.file "f" size 65536 hash 0
%table = plan.buffer "table" in %w[0, 256] : f32
%pool_slots = plan.buffer "pool" in %e[0, 1536] : f32
%images = plan.buffer "images" in %io[0, 1536] : f32
%weights = plan.source "table" from %f ranges [[0, 0, 0, 256]]
%source = plan.source "a" from %f ranges [[0, 256, 0, 192], [0, 448, 768, 192]]
%tokens_host = plan.buffer "tokens_host" in %io[1536, 4] : i32
%ids = plan.buffer "ids" in %io[1792, 4] : i32
%rows = plan.buffer "rows" in %io[2048, 32] : f32
%results = plan.buffer "results" in %io[2304, 32] : f32
%tables_host = plan.buffer "tables_host" in %io[2560, 24] : i32
%shares_host = plan.buffer "shares_host" in %io[2816, 4] : i32
%logits = plan.buffer "logits" in %io[3072, 32] : f32
%tokens = plan.buffer "tokens" in %ws[0, 4] : i32
%in = plan.buffer "in" in %ws[256, 32] : f32
%inner = plan.buffer "inner" in %ws[512, 32] : f32
%outputs = plan.buffer "outputs" in %ws[768, 32] : f32
%tables = plan.buffer "tables" in %ws[1024, 24] : i32
%staged = plan.buffer "staged" in %ws[1280, 32] : f32
%shares = plan.buffer "shares" in %ws[1536, 4] : i32
%sum = plan.buffer "sum" in %ws[1792, 32] : f32
%pool = plan.expert_pool "pool" in %pool_slots slots 2 of 768 wave 768 host %images
%a = plan.expert_bank "a" layer 0 in %pool from %source experts 2 top_k 1 hidden 8 inner 4
    parts [0, 64, 128] homes [0, 0] resident []
plan.entry @load rows 0 logit_rows 0 {
  plan.fetch %weights into %table on demand
}
plan.entry @decode rows 1 logit_rows 1 {
  plan.input tokens %tokens_host
  plan.copy %tokens_host to %tokens rows 4 on compute
  plan.launch embed(%tokens, %table, %in) {vocab = 8, hidden = 8} rows portable on compute
  %event = plan.record on compute
  // expected-note @below {{the other access}}
  plan.copy %tokens to %ids rows 4 on compute
  // expected-error @below {{is not ordered by an event after an earlier access of the same bytes on another stream: 'ids'}}
  plan.demand %a part 0 of 1 ids %ids after %event
  plan.fetch_experts %a part 0
  plan.run_experts %a part 0 of 1 (%in, %inner, %outputs, %tables, %tables_host) portable
  plan.release %a part 0
  %made = plan.record on compute
  plan.wait %made on copy_back
  plan.output logits %logits
  plan.copy %outputs to %logits logit_rows 32 on copy_back
}

// -----

// The ids come on another stream than the event.
%w = plan.arena "weights" device size 256
%e = plan.arena "experts" device size 1536
%ws = plan.arena "workspace" device size 4096
%io = plan.arena "io" host size 4096
%f = plan.file "f" size 65536 hash 0
%table = plan.buffer "table" in %w[0, 256] : f32
%pool_slots = plan.buffer "pool" in %e[0, 1536] : f32
%images = plan.buffer "images" in %io[0, 1536] : f32
%weights = plan.source "table" from %f ranges [[0, 0, 0, 256]]
%source = plan.source "a" from %f ranges [[0, 256, 0, 192], [0, 448, 768, 192]]
%tokens_host = plan.buffer "tokens_host" in %io[1536, 4] : i32
%ids = plan.buffer "ids" in %io[1792, 4] : i32
%rows = plan.buffer "rows" in %io[2048, 32] : f32
%results = plan.buffer "results" in %io[2304, 32] : f32
%tables_host = plan.buffer "tables_host" in %io[2560, 24] : i32
%shares_host = plan.buffer "shares_host" in %io[2816, 4] : i32
%logits = plan.buffer "logits" in %io[3072, 32] : f32
%tokens = plan.buffer "tokens" in %ws[0, 4] : i32
%in = plan.buffer "in" in %ws[256, 32] : f32
%inner = plan.buffer "inner" in %ws[512, 32] : f32
%outputs = plan.buffer "outputs" in %ws[768, 32] : f32
%tables = plan.buffer "tables" in %ws[1024, 24] : i32
%staged = plan.buffer "staged" in %ws[1280, 32] : f32
%shares = plan.buffer "shares" in %ws[1536, 4] : i32
%sum = plan.buffer "sum" in %ws[1792, 32] : f32
%pool = plan.expert_pool "pool" in %pool_slots slots 2 of 768 wave 768 host %images
%a = plan.expert_bank "a" layer 0 in %pool from %source experts 2 top_k 1 hidden 8 inner 4
    parts [0, 64, 128] homes [0, 0] resident []
plan.entry @load rows 0 logit_rows 0 {
  plan.fetch %weights into %table on demand
}
plan.entry @decode rows 1 logit_rows 1 {
  plan.input tokens %tokens_host
  plan.copy %tokens_host to %tokens rows 4 on compute
  plan.launch embed(%tokens, %table, %in) {vocab = 8, hidden = 8} rows portable on compute
  %known = plan.record on compute
  plan.wait %known on copy_back
  // expected-note @below {{the other access}}
  plan.copy %tokens to %ids rows 4 on copy_back
  %event = plan.record on compute
  // expected-error @below {{is not ordered by an event after an earlier access of the same bytes on another stream: 'ids'}}
  plan.demand %a part 0 of 1 ids %ids after %event
  plan.fetch_experts %a part 0
  plan.run_experts %a part 0 of 1 (%in, %inner, %outputs, %tables, %tables_host) portable
  plan.release %a part 0
  %made = plan.record on compute
  plan.wait %made on copy_back
  plan.output logits %logits
  plan.copy %outputs to %logits logit_rows 32 on copy_back
}

// -----

// The rows for the CPU come on another stream than the event.
%w = plan.arena "weights" device size 256
%e = plan.arena "experts" device size 1536
%ws = plan.arena "workspace" device size 4096
%io = plan.arena "io" host size 4096
%f = plan.file "f" size 65536 hash 0
%table = plan.buffer "table" in %w[0, 256] : f32
%pool_slots = plan.buffer "pool" in %e[0, 1536] : f32
%images = plan.buffer "images" in %io[0, 1536] : f32
%weights = plan.source "table" from %f ranges [[0, 0, 0, 256]]
%source = plan.source "a" from %f ranges [[0, 256, 0, 192], [0, 448, 768, 192]]
%tokens_host = plan.buffer "tokens_host" in %io[1536, 4] : i32
%ids = plan.buffer "ids" in %io[1792, 4] : i32
%rows = plan.buffer "rows" in %io[2048, 32] : f32
%results = plan.buffer "results" in %io[2304, 32] : f32
%tables_host = plan.buffer "tables_host" in %io[2560, 24] : i32
%shares_host = plan.buffer "shares_host" in %io[2816, 4] : i32
%logits = plan.buffer "logits" in %io[3072, 32] : f32
%tokens = plan.buffer "tokens" in %ws[0, 4] : i32
%in = plan.buffer "in" in %ws[256, 32] : f32
%inner = plan.buffer "inner" in %ws[512, 32] : f32
%outputs = plan.buffer "outputs" in %ws[768, 32] : f32
%tables = plan.buffer "tables" in %ws[1024, 24] : i32
%staged = plan.buffer "staged" in %ws[1280, 32] : f32
%shares = plan.buffer "shares" in %ws[1536, 4] : i32
%sum = plan.buffer "sum" in %ws[1792, 32] : f32
%pool = plan.expert_pool "pool" in %pool_slots slots 2 of 768 wave 768 host %images
%a = plan.expert_bank "a" layer 0 in %pool from %source experts 2 top_k 1 hidden 8 inner 4
    parts [0, 64, 128] homes [0, 0] resident []
plan.entry @load rows 0 logit_rows 0 {
  plan.fetch %weights into %table on demand
}
plan.entry @decode rows 1 logit_rows 1 {
  plan.input tokens %tokens_host
  plan.copy %tokens_host to %tokens rows 4 on compute
  plan.launch embed(%tokens, %table, %in) {vocab = 8, hidden = 8} rows portable on compute
  plan.copy %tokens to %ids rows 4 on compute
  %known = plan.record on compute
  plan.wait %known on copy_back
  // expected-note @below {{the other access}}
  plan.copy %in to %rows rows 32 on copy_back
  %event = plan.record on compute
  plan.demand %a part 0 of 1 ids %ids after %event
  plan.split %a part 0 share 0.5
  plan.fetch_experts %a part 0
  // expected-error @below {{is not ordered by an event after an earlier access of the same bytes on another stream: 'rows'}}
  plan.run_host %a part 0 (%rows, %results)
  plan.run_experts %a part 0 of 1 (%in, %inner, %outputs, %tables, %tables_host) portable
  plan.join %a part 0 (%results, %staged, %shares, %shares_host)
  plan.release %a part 0
  %made = plan.record on compute
  plan.wait %made on copy_back
  plan.output logits %logits
  plan.copy %outputs to %logits logit_rows 32 on copy_back
}

// -----

// Nothing joins the CPU before its outputs go up.
%w = plan.arena "weights" device size 256
%e = plan.arena "experts" device size 1536
%ws = plan.arena "workspace" device size 4096
%io = plan.arena "io" host size 4096
%f = plan.file "f" size 65536 hash 0
%table = plan.buffer "table" in %w[0, 256] : f32
%pool_slots = plan.buffer "pool" in %e[0, 1536] : f32
%images = plan.buffer "images" in %io[0, 1536] : f32
%weights = plan.source "table" from %f ranges [[0, 0, 0, 256]]
%source = plan.source "a" from %f ranges [[0, 256, 0, 192], [0, 448, 768, 192]]
%tokens_host = plan.buffer "tokens_host" in %io[1536, 4] : i32
%ids = plan.buffer "ids" in %io[1792, 4] : i32
%rows = plan.buffer "rows" in %io[2048, 32] : f32
%results = plan.buffer "results" in %io[2304, 32] : f32
%tables_host = plan.buffer "tables_host" in %io[2560, 24] : i32
%shares_host = plan.buffer "shares_host" in %io[2816, 4] : i32
%logits = plan.buffer "logits" in %io[3072, 32] : f32
%tokens = plan.buffer "tokens" in %ws[0, 4] : i32
%in = plan.buffer "in" in %ws[256, 32] : f32
%inner = plan.buffer "inner" in %ws[512, 32] : f32
%outputs = plan.buffer "outputs" in %ws[768, 32] : f32
%tables = plan.buffer "tables" in %ws[1024, 24] : i32
%staged = plan.buffer "staged" in %ws[1280, 32] : f32
%shares = plan.buffer "shares" in %ws[1536, 4] : i32
%sum = plan.buffer "sum" in %ws[1792, 32] : f32
%pool = plan.expert_pool "pool" in %pool_slots slots 2 of 768 wave 768 host %images
%a = plan.expert_bank "a" layer 0 in %pool from %source experts 2 top_k 1 hidden 8 inner 4
    parts [0, 64, 128] homes [0, 0] resident []
plan.entry @load rows 0 logit_rows 0 {
  plan.fetch %weights into %table on demand
}
plan.entry @decode rows 1 logit_rows 1 {
  plan.input tokens %tokens_host
  plan.copy %tokens_host to %tokens rows 4 on compute
  plan.launch embed(%tokens, %table, %in) {vocab = 8, hidden = 8} rows portable on compute
  plan.copy %tokens to %ids rows 4 on compute
  plan.copy %in to %rows rows 32 on compute
  %event = plan.record on compute
  plan.demand %a part 0 of 1 ids %ids after %event
  plan.split %a part 0 share 0.5
  plan.fetch_experts %a part 0
  // expected-note @below {{the other access}}
  plan.run_host %a part 0 (%rows, %results)
  plan.run_experts %a part 0 of 1 (%in, %inner, %outputs, %tables, %tables_host) portable
  plan.release %a part 0
  // expected-error @below {{is not ordered by an event after an earlier access of the same bytes on another stream: 'results'}}
  plan.copy %results to %staged rows 32 on compute
  %made = plan.record on compute
  plan.wait %made on copy_back
  plan.output logits %logits
  plan.copy %outputs to %logits logit_rows 32 on copy_back
}

// -----

// The host fills the tables again while those of the run before may be on their way.
%w = plan.arena "weights" device size 256
%e = plan.arena "experts" device size 1536
%ws = plan.arena "workspace" device size 4096
%io = plan.arena "io" host size 4096
%f = plan.file "f" size 65536 hash 0
%table = plan.buffer "table" in %w[0, 256] : f32
%pool_slots = plan.buffer "pool" in %e[0, 1536] : f32
%images = plan.buffer "images" in %io[0, 1536] : f32
%weights = plan.source "table" from %f ranges [[0, 0, 0, 256]]
%source = plan.source "a" from %f ranges [[0, 256, 0, 192], [0, 448, 768, 192]]
%tokens_host = plan.buffer "tokens_host" in %io[1536, 4] : i32
%ids = plan.buffer "ids" in %io[1792, 4] : i32
%rows = plan.buffer "rows" in %io[2048, 32] : f32
%results = plan.buffer "results" in %io[2304, 32] : f32
%tables_host = plan.buffer "tables_host" in %io[2560, 24] : i32
%shares_host = plan.buffer "shares_host" in %io[2816, 4] : i32
%logits = plan.buffer "logits" in %io[3072, 32] : f32
%tokens = plan.buffer "tokens" in %ws[0, 4] : i32
%in = plan.buffer "in" in %ws[256, 32] : f32
%inner = plan.buffer "inner" in %ws[512, 32] : f32
%outputs = plan.buffer "outputs" in %ws[768, 32] : f32
%tables = plan.buffer "tables" in %ws[1024, 24] : i32
%staged = plan.buffer "staged" in %ws[1280, 32] : f32
%shares = plan.buffer "shares" in %ws[1536, 4] : i32
%sum = plan.buffer "sum" in %ws[1792, 32] : f32
%pool = plan.expert_pool "pool" in %pool_slots slots 2 of 768 wave 768 host %images
%a = plan.expert_bank "a" layer 0 in %pool from %source experts 2 top_k 1 hidden 8 inner 4
    parts [0, 64, 128] homes [0, 0] resident []
plan.entry @load rows 0 logit_rows 0 {
  plan.fetch %weights into %table on demand
}
plan.entry @decode rows 1 logit_rows 1 {
  plan.input tokens %tokens_host
  plan.copy %tokens_host to %tokens rows 4 on compute
  plan.launch embed(%tokens, %table, %in) {vocab = 8, hidden = 8} rows portable on compute
  plan.copy %tokens to %ids rows 4 on compute
  %event = plan.record on compute
  plan.demand %a part 0 of 1 ids %ids after %event
  plan.fetch_experts %a part 0
  // expected-note @below {{the other access}}
  plan.run_experts %a part 0 of 1 (%in, %inner, %outputs, %tables, %tables_host) portable
  plan.release %a part 0
  plan.demand %a part 0 of 1 ids %ids after %event
  plan.fetch_experts %a part 0
  // expected-error @below {{is not ordered by an event after an earlier access of the same bytes on another stream: 'tables_host'}}
  plan.run_experts %a part 0 of 1 (%in, %inner, %outputs, %tables, %tables_host) portable
  plan.release %a part 0
  %made = plan.record on compute
  plan.wait %made on copy_back
  plan.output logits %logits
  plan.copy %outputs to %logits logit_rows 32 on copy_back
}

// -----

// The outputs of the run are read without an event behind it.
%w = plan.arena "weights" device size 256
%e = plan.arena "experts" device size 1536
%ws = plan.arena "workspace" device size 4096
%io = plan.arena "io" host size 4096
%f = plan.file "f" size 65536 hash 0
%table = plan.buffer "table" in %w[0, 256] : f32
%pool_slots = plan.buffer "pool" in %e[0, 1536] : f32
%images = plan.buffer "images" in %io[0, 1536] : f32
%weights = plan.source "table" from %f ranges [[0, 0, 0, 256]]
%source = plan.source "a" from %f ranges [[0, 256, 0, 192], [0, 448, 768, 192]]
%tokens_host = plan.buffer "tokens_host" in %io[1536, 4] : i32
%ids = plan.buffer "ids" in %io[1792, 4] : i32
%rows = plan.buffer "rows" in %io[2048, 32] : f32
%results = plan.buffer "results" in %io[2304, 32] : f32
%tables_host = plan.buffer "tables_host" in %io[2560, 24] : i32
%shares_host = plan.buffer "shares_host" in %io[2816, 4] : i32
%logits = plan.buffer "logits" in %io[3072, 32] : f32
%tokens = plan.buffer "tokens" in %ws[0, 4] : i32
%in = plan.buffer "in" in %ws[256, 32] : f32
%inner = plan.buffer "inner" in %ws[512, 32] : f32
%outputs = plan.buffer "outputs" in %ws[768, 32] : f32
%tables = plan.buffer "tables" in %ws[1024, 24] : i32
%staged = plan.buffer "staged" in %ws[1280, 32] : f32
%shares = plan.buffer "shares" in %ws[1536, 4] : i32
%sum = plan.buffer "sum" in %ws[1792, 32] : f32
%pool = plan.expert_pool "pool" in %pool_slots slots 2 of 768 wave 768 host %images
%a = plan.expert_bank "a" layer 0 in %pool from %source experts 2 top_k 1 hidden 8 inner 4
    parts [0, 64, 128] homes [0, 0] resident []
plan.entry @load rows 0 logit_rows 0 {
  plan.fetch %weights into %table on demand
}
plan.entry @decode rows 1 logit_rows 1 {
  plan.input tokens %tokens_host
  plan.copy %tokens_host to %tokens rows 4 on compute
  plan.launch embed(%tokens, %table, %in) {vocab = 8, hidden = 8} rows portable on compute
  plan.copy %tokens to %ids rows 4 on compute
  %event = plan.record on compute
  plan.demand %a part 0 of 1 ids %ids after %event
  plan.fetch_experts %a part 0
  // expected-note @below {{the other access}}
  plan.run_experts %a part 0 of 1 (%in, %inner, %outputs, %tables, %tables_host) portable
  plan.release %a part 0
  plan.output logits %logits
  plan.wait %event on copy_back
  // expected-error @below {{is not ordered by an event after an earlier access of the same bytes on another stream: 'outputs'}}
  plan.copy %outputs to %logits logit_rows 32 on copy_back
}

// -----

// The join adds to what no run has written.
%w = plan.arena "weights" device size 256
%e = plan.arena "experts" device size 1536
%ws = plan.arena "workspace" device size 4096
%io = plan.arena "io" host size 4096
%f = plan.file "f" size 65536 hash 0
%table = plan.buffer "table" in %w[0, 256] : f32
%pool_slots = plan.buffer "pool" in %e[0, 1536] : f32
%images = plan.buffer "images" in %io[0, 1536] : f32
%weights = plan.source "table" from %f ranges [[0, 0, 0, 256]]
%source = plan.source "a" from %f ranges [[0, 256, 0, 192], [0, 448, 768, 192]]
%tokens_host = plan.buffer "tokens_host" in %io[1536, 4] : i32
%ids = plan.buffer "ids" in %io[1792, 4] : i32
%rows = plan.buffer "rows" in %io[2048, 32] : f32
%results = plan.buffer "results" in %io[2304, 32] : f32
%tables_host = plan.buffer "tables_host" in %io[2560, 24] : i32
%shares_host = plan.buffer "shares_host" in %io[2816, 4] : i32
%logits = plan.buffer "logits" in %io[3072, 32] : f32
%tokens = plan.buffer "tokens" in %ws[0, 4] : i32
%in = plan.buffer "in" in %ws[256, 32] : f32
%inner = plan.buffer "inner" in %ws[512, 32] : f32
%outputs = plan.buffer "outputs" in %ws[768, 32] : f32
%tables = plan.buffer "tables" in %ws[1024, 24] : i32
%staged = plan.buffer "staged" in %ws[1280, 32] : f32
%shares = plan.buffer "shares" in %ws[1536, 4] : i32
%sum = plan.buffer "sum" in %ws[1792, 32] : f32
%pool = plan.expert_pool "pool" in %pool_slots slots 2 of 768 wave 768 host %images
%a = plan.expert_bank "a" layer 0 in %pool from %source experts 2 top_k 1 hidden 8 inner 4
    parts [0, 64, 128] homes [0, 0] resident []
plan.entry @load rows 0 logit_rows 0 {
  plan.fetch %weights into %table on demand
}
plan.entry @decode rows 1 logit_rows 1 {
  plan.input tokens %tokens_host
  plan.copy %tokens_host to %tokens rows 4 on compute
  plan.launch embed(%tokens, %table, %in) {vocab = 8, hidden = 8} rows portable on compute
  plan.copy %tokens to %ids rows 4 on compute
  plan.copy %in to %rows rows 32 on compute
  %event = plan.record on compute
  plan.demand %a part 0 of 1 ids %ids after %event
  plan.split %a part 0 share 0.5
  plan.fetch_experts %a part 0
  plan.run_host %a part 0 (%rows, %results)
  plan.join %a part 0 (%results, %staged, %shares, %shares_host)
  plan.release %a part 0
  %made = plan.record on compute
  plan.wait %made on copy_back
  plan.output logits %logits
  // expected-error @below {{reads what nothing has written: 'outputs'}}
  plan.copy %outputs to %logits logit_rows 32 on copy_back
}
