"""Programs that an audit starts in processes of their own, and stops where it looks at their memory."""
