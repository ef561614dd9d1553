--- Where automatic suggestions are off: a buffer, a language, everywhere. Asking by hand works all the same.
local M = {}

local languages = {} ---@type table<string, boolean>
local everywhere = false

---@param buf integer
function M.is_paused(buf)
  return everywhere or languages[M.language(buf)] or vim.b[buf].fim_lsp_paused or false
end

---@param buf integer
---@return string
function M.language(buf)
  return require('fim_lsp.filetype').language(buf) or vim.bo[buf].filetype
end

--- Switch automatic suggestions off or on again.
---@param scope 'buffer'|'language'|'all'
---@return string said what is so now
function M.toggle(scope)
  local buf = vim.api.nvim_get_current_buf()
  local language = M.language(buf)
  local is_off, where
  if scope == 'all' then
    everywhere = not everywhere
    is_off, where = everywhere, 'everywhere'
  elseif scope == 'language' then
    languages[language] = not languages[language]
    is_off, where = languages[language], 'for ' .. (language == '' and 'buffers without a filetype' or language)
  else
    vim.b[buf].fim_lsp_paused = not vim.b[buf].fim_lsp_paused
    is_off, where = vim.b[buf].fim_lsp_paused, 'in this buffer'
  end
  require('fim_lsp.session').dismiss()
  return ('suggestions are %s %s'):format(is_off and 'off' or 'on', where)
end

return M
