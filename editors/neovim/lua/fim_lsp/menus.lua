--- Completion menus, Neovim's own and those that plugins draw in windows: a menu and ghost text take turns.
local M = {}

local open = {} ---@type table<string, true> plugin → its menu is on screen
local is_hooked = false -- into nvim-cmp, which is often loaded with the first insert mode

function M.is_open()
  return vim.fn.pumvisible() == 1 or next(open) ~= nil
end

--- Hear of menus that come and go.
---@param group integer
---@param opened fun()
---@param closed fun(buf: integer)
function M.watch(group, opened, closed)
  local function on(events, pattern, callback)
    vim.api.nvim_create_autocmd(events, { group = group, pattern = pattern, callback = callback })
  end
  local function came(plugin)
    return function()
      open[plugin] = true
      opened()
    end
  end
  local function went(plugin)
    return function()
      if open[plugin] then
        open[plugin] = nil
        closed(vim.api.nvim_get_current_buf())
      end
    end
  end
  on('CompleteChanged', '*', opened)
  on('CompleteDone', '*', function(event)
    closed(event.buf)
  end)
  on('User', 'BlinkCmpMenuOpen', came('blink'))
  on('User', 'BlinkCmpMenuClose', went('blink'))
  on('InsertEnter', '*', function()
    local cmp = package.loaded['cmp']
    if cmp and cmp.event and not is_hooked then
      is_hooked = true
      cmp.event:on('menu_opened', came('cmp'))
      cmp.event:on('menu_closed', went('cmp'))
    end
  end)
  on('InsertLeave', '*', function()
    open = {}
  end)
end

return M
