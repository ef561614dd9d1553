--- Neovim's own inline completion, 0.12 and later. Not tested yet: no such Neovim could be had.
local M = {}

--- Let Neovim show what the server suggests; falls back to our own ghost text where it cannot.
function M.enable()
  if vim.lsp.inline_completion == nil then
    vim.notify('fim-lsp: native needs Neovim 0.12; showing suggestions ourselves', vim.log.levels.WARN)
    require('fim_lsp.session').watch()
    return
  end
  vim.lsp.inline_completion.enable(true)
end

return M
