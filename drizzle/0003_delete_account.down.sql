drop function delete_account();
