-- Neovim 0.11 or later. Put this into ~/.config/nvim/lua/catena.lua and `require("catena")` into init.lua.

vim.filetype.add({ extension = { chain = "catena" } })

vim.lsp.config("catena", {
  cmd = { "catena", "lsp" },
  filetypes = { "catena" },
  root_markers = { "catena.yaml", ".git" },
})
vim.lsp.enable("catena")

vim.api.nvim_create_autocmd("FileType", {
  pattern = "catena",
  callback = function(event)
    vim.bo[event.buf].commentstring = "# %s"
    vim.bo[event.buf].shiftwidth = 2
    vim.bo[event.buf].expandtab = true
  end,
})

vim.api.nvim_create_autocmd("LspAttach", {
  callback = function(event)
    local client = vim.lsp.get_client_by_id(event.data.client_id)
    if client and client.name == "catena" then
      vim.lsp.inlay_hint.enable(true, { bufnr = event.buf })
    end
  end,
})
