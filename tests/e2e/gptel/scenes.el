;;; scenes.el --- What a person does with gptel, as functions -*- lexical-binding: t; -*-

;; SPDX-License-Identifier: GPL-3.0-or-later

;;; Commentary:

;; The setup is that of a person who has read gptel's README and turned on
;; `sluice-gptel-mode': stock backends, keys in ~/.authinfo, nothing else.

;;; Code:

(require 'cl-lib)
(require 'subr-x)
(require 'gptel)
(require 'gptel-openai)
(require 'gptel-anthropic)
(require 'gptel-gemini)
(require 'sluice)

(defvar scenes-backends
  (let ((key #'gptel-api-key-from-auth-source))
    (list (cons "openai" (gptel-make-openai "ChatGPT" :key key :stream t))
          (cons "anthropic" (gptel-make-anthropic "Claude" :key key :stream t))
          (cons "gemini" (gptel-make-gemini "Gemini" :key key :stream t))
          (cons "groq" (gptel-make-openai "Groq" :host "api.groq.com" :key key :stream t
                                          :endpoint "/openai/v1/chat/completions"))))
  "The backends of the scenes by name.")

(setq gptel-backend (cdar scenes-backends) gptel-model (car (gptel-backend-models gptel-backend)))

(defvar scenes--buffers nil "The chat buffers of the scene.")

(defun scenes-begin (state)
  "Begin a scene with a daemon whose state directory is STATE."
  (scenes-end)
  (setenv "SLUICE_STATE_DIR" state)
  (setq sluice-start-daemon nil
        sluice--newest-failure nil)
  (sluice-gptel-mode 1)
  (wire-said))

(defun scenes-end ()
  "Leave nothing behind for the next scene."
  (sluice-disconnect)
  (dolist (entry gptel--request-alist)
    ;; gptel's own function for it: a sentinel that finds no request would end a batch Emacs.
    (funcall (cddr entry)))
  (setq gptel--request-alist nil)
  (dolist (buffer (append (mapcar #'get-buffer '("*Sluice explain*" "*Sluice queue*"
                                                "*Sluice limits*" "*Sluice log*"))
                          scenes--buffers))
    (when (buffer-live-p buffer) (kill-buffer buffer)))
  (setq scenes--buffers nil))

(defun scenes-backend (backend model)
  "Return BACKEND, which knows MODEL."
  (let ((chosen (cdr (assoc backend scenes-backends))))
    ;; The model's name tells the sandbox what to do; one that the backend does not know is
    ;; replaced by gptel.
    (cl-pushnew model (gptel-backend-models chosen))
    chosen))

(cl-defun scenes-chat (name backend model text &key (stream t))
  "Type TEXT in the gptel chat NAME and send it to MODEL of BACKEND, as C-c RET does."
  (let ((chosen (scenes-backend backend model)))
    (with-current-buffer (gptel name)
      (push (current-buffer) scenes--buffers)
      (setq-local gptel-backend chosen gptel-model model gptel-stream stream)
      (goto-char (point-max))
      (insert text)
      (gptel-send)
      name)))

(defun scenes-over (name)
  "Wait until no request of the chat NAME is on its way, and return what came of it.
That is its whole text, what was shown meanwhile, and the call that is explained."
  (wire-until (not (cl-some (lambda (entry)
                              (eq (plist-get (gptel-fsm-info (cadr entry)) :buffer)
                                  (get-buffer name)))
                            gptel--request-alist)))
  ;; What follows an answer comes from timers of 50 ms.
  (let ((until (+ (float-time) 0.2)))
    (while (< (float-time) until) (accept-process-output nil 0.02)))
  (list :text (wire-text name) :said (wire-said)
        :failed (buffer-local-value 'sluice-failed-call (get-buffer name))))

(cl-defun scenes-ask (backend model text &key (stream t))
  "Send TEXT to MODEL of BACKEND in a new chat, wait, and return what came of it."
  (let ((name (generate-new-buffer-name "*chat*")))
    (scenes-chat name backend model text :stream stream)
    (scenes-over name)))

(defun scenes-shown (name)
  "Return what the chat NAME shows beside its text."
  (with-current-buffer name
    (cl-some (lambda (overlay)
               (let ((text (overlay-get overlay 'after-string)))
                 (and text (string-match-p "\\` ?\n\\[" text) text)))
             (overlays-in (point-min) (1+ (point-max))))))

(defun scenes-status (name)
  "Return gptel's status line of the chat NAME."
  (with-current-buffer name (nth 1 header-line-format)))

(defun scenes-list (command words)
  "Show the list of COMMAND, wait until it has WORDS, and return it."
  (funcall command)
  (let ((buffer (window-buffer)))
    (wire-until (string-search words (wire-text buffer)))
    (wire-text buffer)))

(defun scenes-cancel ()
  "Cancel the first call in the list of those that wait."
  (sluice-queue)
  (goto-char (point-min))
  (cl-letf (((symbol-function 'y-or-n-p) #'always))
    (call-interactively (key-binding "k"))))

(defun scenes-burst (backend count)
  "Send COUNT prompts at once by `gptel-request', as packages do; return the answers."
  (let* ((gptel-backend (cdr (assoc backend scenes-backends))) (gptel-model 'gpt-4o-mini)
         (answers (make-vector count nil)))
    (dotimes (n count)
      (gptel-request (format "number %d" n)
        :stream nil
        :callback (lambda (response info)
                    (aset answers n (or response (plist-get info :status))))))
    (wire-until (not (seq-position answers nil)) 40)
    answers))

(defun scenes-explanation (name)
  "Ask in the chat NAME for an explanation and return the page."
  (with-current-buffer name (sluice-explain-last))
  (wire-text "*Sluice explain*"))

(defun scenes-press (name key)
  "Do what C-c ? KEY does in the buffer NAME, and return the command."
  (with-current-buffer name
    (let ((command (key-binding (kbd (concat "C-c ? " key)))))
      (save-window-excursion (call-interactively command))
      command)))

(defun scenes-pressed-in-vain (name key)
  "Return what C-c ? KEY complains of in the buffer NAME."
  (condition-case err (progn (scenes-press name key) nil)
    (user-error (cadr err))))

(defvar scenes-answered nil "What the callback of `scenes-request' was called with, newest first.")

(defun scenes-request (name backend model)
  "Ask MODEL of BACKEND by `gptel-request' from the buffer NAME, as packages do, and wait."
  (setq scenes-answered nil)
  (with-current-buffer (get-buffer-create name)
    (push (current-buffer) scenes--buffers)
    (insert "text of the user")
    (let ((gptel-backend (scenes-backend backend model)) (gptel-model model))
      (gptel-request "Hello"
        :stream nil
        :callback (lambda (response _info) (push (or response 'failed) scenes-answered)))))
  (scenes-over name))

(defun scenes-presets ()
  "Send with a preset that chooses backend and model; return the chat's text."
  (gptel-make-preset 'scenes-claude
    :backend "Claude" :model 'gpt-4o-mini :system "Be short.")
  (scenes-backend "anthropic" 'gpt-4o-mini)
  (let ((name (generate-new-buffer-name "*preset*")))
    (with-current-buffer (gptel name)
      (push (current-buffer) scenes--buffers)
      (gptel--apply-preset 'scenes-claude (lambda (symbol value) (set (make-local-variable symbol) value)))
      (insert "by preset")
      (gptel-send))
    (scenes-over name)))

(defun scenes-direct (port)
  "With the mode off, have a call fail at the provider on PORT; return the chat's name."
  (sluice-gptel-mode -1)
  (sluice-gptel-explain-mode 1)
  (push (cons "direct" (gptel-make-openai "Direct" :protocol "http" :stream t :key "CANARY-direct-9c2e8b7a"
                                          :host (format "127.0.0.1:%s" port)))
        scenes-backends)
  (unwind-protect
      (progn (scenes-chat "*direct*" "direct" 'insufficient-quota "Hello")
             (scenes-over "*direct*"))
    (pop scenes-backends)))

(defun scenes-rewrite (backend text instruction &optional model)
  "Have TEXT rewritten in a buffer of its own by INSTRUCTION, as `gptel-rewrite' does.
MODEL of BACKEND does it.  Return what the overlay offers, and what was shown."
  (require 'gptel-rewrite)
  (with-current-buffer (generate-new-buffer "*essay*")
    (push (current-buffer) scenes--buffers)
    (let* ((gptel-model (or model 'gpt-4o-mini))
           (gptel-backend (scenes-backend backend gptel-model))
           (transient-mark-mode t))
      (insert text)
      (push-mark (point-min) t t)
      (gptel--suffix-rewrite instruction)
      (wire-until (not gptel--request-alist))
      (list :name (buffer-name)
            :offered (cl-some (lambda (overlay) (overlay-get overlay 'gptel-rewrite))
                              (overlays-in (point-min) (point-max)))
            :text (buffer-string) :said (wire-said)))))

(defvar scenes-looked-up nil "What the tool was asked for, newest first.")

(defun scenes-with-tool (backend text)
  "Send TEXT to a model that has a tool; return what `scenes-ask' does, and the tool's calls."
  (let ((gptel-tools (list (gptel-make-tool
                            :name "look_up" :description "Look a word up" :category "scenes"
                            :args '((:name "word" :type string :description "The word"))
                            :function (lambda (word)
                                        (push word scenes-looked-up)
                                        (concat word " is a small gate")))))
        (gptel-use-tools t) (gptel-confirm-tool-calls nil)
        (name (generate-new-buffer-name "*chat*")))
    (setq scenes-looked-up nil)
    (scenes-chat name backend 'scripted text)
    (wire-until (string-match-p "A sluice is a small gate" (wire-text name)) 30)
    (append (list :looked-up scenes-looked-up) (scenes-over name))))

(defun scenes-state ()
  "Return what the mode could have changed for good."
  (list :urls (mapcar (lambda (entry)
                        (let ((url (gptel-backend-url (cdr entry))))
                          (if (functionp url) (format "%S" url) url)))
                      scenes-backends)
        :arguments (copy-sequence gptel-curl-extra-args)
        :proxy gptel-proxy
        :keys (mapcar (lambda (entry) (eq #'gptel-api-key-from-auth-source
                                          (gptel-backend-key (cdr entry))))
                      scenes-backends)
        :advised (list (advice--p (symbol-function 'gptel-curl-get-response))
                       (advice--p (symbol-function 'gptel--url-get-response)))))

(provide 'scenes)
;;; scenes.el ends here
