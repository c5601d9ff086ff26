"""How fast is recurra, and against whom: questions, peers, and a method that is fair to both."""
