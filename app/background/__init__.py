"""Work of seconds beside a page: Dash background callbacks, in processes of this computer or in workers."""
