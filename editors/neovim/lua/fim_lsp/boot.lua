--- What has to stand before anything is used: the command, the highlight, and one moment to start.
local M = {}

--- Define `:FimLsp` and, when Neovim has started, attach to buffers; `setup()` before that chooses how.
function M.load()
  vim.api.nvim_set_hl(0, 'FimLspGhost', { link = 'Comment', default = true })
  vim.api.nvim_create_user_command('FimLsp', function(args)
    require('fim_lsp.commands').run(args.fargs)
  end, {
    nargs = '*',
    desc = 'fim-lsp: status, explain, compare, log, restart, toggle, backend',
    complete = function(lead, line)
      return require('fim_lsp.commands').complete(lead, line)
    end,
  })
  if vim.v.vim_did_enter == 1 then
    vim.schedule(M.start) -- a plugin manager calls setup() right after this file
  else
    vim.api.nvim_create_autocmd('VimEnter', { once = true, callback = M.start })
  end
end

local is_started = false

--- Take options given after the start.
function M.again()
  if is_started then
    M.start()
  end
end

--- Start what the configuration asks for. Called at VimEnter, so that the user's own mappings stand already.
function M.start()
  is_started = true
  local config = require('fim_lsp.config').get()
  require('fim_lsp.keys').map(config.keys)
  if config.native then
    require('fim_lsp.native').enable()
  else
    require('fim_lsp.session').watch()
  end
  if config.auto_start then
    require('fim_lsp.server').watch()
  end
end

return M
