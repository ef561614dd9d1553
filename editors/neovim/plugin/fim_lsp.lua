if not vim.g.loaded_fim_lsp then vim.g.loaded_fim_lsp = true; require('fim_lsp.boot').load() end
